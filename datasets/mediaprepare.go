package datasets

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// maxForGood bounds the memory of the files that are kept for good.
const maxForGood = 8_000_000_000

// Prepared tells what [Multimodal.Prepare] has made.
type Prepared struct {
	Bytes  float64 // of the media of a request, on average
	Most   int64   // of the largest of the first requests
	Pool   int     // files of the pool
	Memory int64   // bytes that these files take, and those of prefixes
}

// Prepare makes the files that come again, and those of the first requests, so that no request waits for them. tell, if
// not nil, is called now and then with the numbers of media that are made and to be made. Prepare ends early, with the
// error of ctx, if ctx ends. Without it, files are made when they are needed first.
func (m *Multimodal) Prepare(ctx context.Context, tell func(done, all int)) (Prepared, error) {
	p := preparing{m: m, sizes: map[mediaFile]int64{}}
	if err := p.measure(); err != nil {
		return Prepared{}, err
	}
	p.collect()
	err := p.run(ctx, tell)
	if err == nil {
		m.ahead.begin(p.first)
	}
	p.result.Pool, p.result.Memory = p.pooled, m.store.bytesForGood()
	return p.result, err
}

// preparing is a call of Prepare.
type preparing struct {
	m      *Multimodal
	sizes  map[mediaFile]int64 // bytes of a medium of each profile, which has no seed
	jobs   []drawnMedium
	pooled int
	first  int64 // items whose new files are made
	result Prepared
}

// profile returns what a medium has in common with those of its profile.
func (f mediaFile) profile() mediaFile {
	f.seed = 0
	return f
}

// size returns about how many bytes a medium has, by making one of its profile.
func (p *preparing) size(each drawnMedium) (int64, error) {
	profile := each.file.profile()
	if n, known := p.sizes[profile]; known {
		return n, nil
	}
	files, err := p.m.store.encode(each.file)
	if err != nil {
		return 0, fmt.Errorf("making %s: %w", each.file.describe(), err)
	}
	n := int64(0)
	for _, file := range files {
		n += int64(len(file))
	}
	p.sizes[profile] = n
	return n, nil
}

// measure finds how large the media of requests are.
func (p *preparing) measure() error {
	const items = 100
	total := int64(0)
	for i := range int64(items) {
		sum, err := p.sum(p.m.each.draw(i))
		if err != nil {
			return err
		}
		if groups := p.m.groups(); groups > 0 {
			group, err := p.sum(p.m.prefix.draw(i % groups))
			if err != nil {
				return err
			}
			sum += group
		}
		total += sum
		p.result.Most = max(p.result.Most, sum)
	}
	p.result.Bytes = float64(total) / items
	return nil
}

func (p *preparing) sum(list []drawnMedium) (total int64, err error) {
	for _, each := range list {
		n, err := p.size(each)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// checkMemory refuses files that take too much memory.
func (p *preparing) checkMemory() error {
	total := 0.0
	for _, each := range p.m.each.profiles() {
		n, err := p.size(drawnMedium{file: each})
		if err != nil {
			return err
		}
		total += float64(n) * 4 / 3 * float64(p.m.options.Pool.Size)
	}
	for group := range p.m.groups() {
		n, err := p.sum(p.m.prefix.draw(group))
		if err != nil {
			return err
		}
		total += float64(n) * 4 / 3
	}
	if total > maxForGood {
		return fmt.Errorf("the media that come again take about %.0f GB of memory, and at most %.0f are allowed: "+
			"choose a smaller pool, fewer prefixes or smaller media", total/1e9, maxForGood/1e9)
	}
	return nil
}

// checkMemory refuses files that take too much memory, and makes one of each profile only if that could be.
func (m *Multimodal) checkMemory() error {
	bound := 0.0
	for _, f := range m.each.profiles() {
		bound += f.bound() * float64(m.options.Pool.Size)
	}
	for _, f := range m.prefix.profiles() {
		bound += f.bound() * float64(m.groups()) * maxMedia
	}
	if bound <= maxForGood {
		return nil
	}
	return (&preparing{m: m, sizes: map[mediaFile]int64{}}).checkMemory()
}

// bound returns more bytes than a medium has in base64.
func (f mediaFile) bound() float64 {
	const head, perPixel, perSecond = 1 << 16, 8, 64_000
	return head + perPixel*float64(f.width)*float64(f.height)*float64(max(1, f.frames)) + perSecond*f.seconds
}

// groups returns the number of prefixes that have media.
func (m *Multimodal) groups() int64 {
	set, ok := m.Set.(prefixedSet)
	if !ok || m.options.Prefix == nil {
		return 0
	}
	return int64(set.groups())
}

// profiles returns a medium of each profile, without its seed.
func (d *drawer) profiles() (list []mediaFile) {
	if m := d.mix.Image; m != nil && d.perImage > 0 {
		for _, r := range allOf(m.Resolutions, defaultResolution) {
			list = append(list, mediaFile{kind: Image, format: m.Format, width: r.Width, height: r.Height})
		}
	}
	if m := d.mix.Video; m != nil && d.perVideo > 0 {
		for _, p := range allOf(m.Profiles, defaultProfile) {
			list = append(list, videoFile(m.Format, p))
		}
	}
	if m := d.mix.Audio; m != nil && d.perAudio > 0 {
		for _, seconds := range allOf(m.Durations, 1.0) {
			list = append(list, mediaFile{kind: Audio, format: "wav", seconds: seconds})
		}
	}
	return list
}

// allOf returns the values of a choice.
func allOf[T any](list []Weighted[T], usual T) (all []T) {
	for _, c := range list {
		all = append(all, c.Value)
	}
	if all == nil {
		all = []T{usual}
	}
	return all
}

// collect lists the media to make.
func (p *preparing) collect() {
	m, numbers := p.m, map[MediaKind]int{}
	for _, f := range m.each.profiles() {
		n := numbers[f.kind]
		numbers[f.kind]++
		for k := range int64(m.options.Pool.Size) {
			f.seed = m.each.pooledSeed(f, n, k)
			p.jobs = append(p.jobs, drawnMedium{file: f, pooled: true})
		}
	}
	p.pooled = len(p.jobs)
	for group := range m.groups() {
		for _, each := range m.prefix.draw(group) {
			each.pooled = true
			p.jobs = append(p.jobs, each)
		}
	}
	if !m.ahead.off {
		p.first = p.ofFirst()
	}
}

// ofFirst adds the new files of the first items, as many as are made ahead. It returns how many items that are.
func (p *preparing) ofFirst() int64 {
	bytes := int64(aheadBytes)
	for i := range int64(aheadItems) {
		for _, each := range p.m.each.draw(i) {
			if each.pooled {
				continue
			}
			if bytes -= p.sizes[each.file.profile()]; bytes < 0 {
				return i
			}
			p.jobs = append(p.jobs, each)
		}
	}
	return aheadItems
}

// run makes the media on all processors.
func (p *preparing) run(ctx context.Context, tell func(done, all int)) error {
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		next    int
		failed  error
	)
	take := func(err error) (drawnMedium, bool) {
		mu.Lock()
		defer mu.Unlock()
		failed = errors.Join(failed, err)
		if next == len(p.jobs) || failed != nil || ctx.Err() != nil {
			return drawnMedium{}, false
		}
		next++
		if tell != nil {
			tell(next-1, len(p.jobs))
		}
		return p.jobs[next-1], true
	}
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for job, ok := take(nil); ok; {
				_, err := p.m.store.get(job.file, job.pooled)
				job, ok = take(err)
			}
		})
	}
	workers.Wait()
	return errors.Join(failed, ctx.Err())
}
