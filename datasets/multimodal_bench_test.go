package datasets

import (
	"context"
	"testing"
)

// mediaBench draws items with an image of 1024 × 1024 pixels.
func mediaBench(b *testing.B, pool MediaPool) {
	m := multimodal(b, Mock{}, MediaOptions{Pool: pool, Each: &MediaMix{Image: &ImageMix{
		Count: Constant(1), Format: "png", Resolutions: []Weighted[Resolution]{{Resolution{1024, 1024}, 1}}}}})
	m.ahead.off = true // the time of another processor
	if pool.Size > 0 {
		if _, err := m.Prepare(context.Background(), nil); err != nil {
			b.Fatal(err)
		}
	}
	i := int64(0)
	for b.Loop() {
		itemAt(b, m, i)
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}

func BenchmarkMediaOfAPool(b *testing.B) { mediaBench(b, MediaPool{Size: 8, Reuse: 1}) }

func BenchmarkNewMedia(b *testing.B) { mediaBench(b, MediaPool{}) }
