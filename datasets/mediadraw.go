package datasets

import (
	"math/rand/v2"
	"slices"
	"strconv"
)

// mediaFile tells all that a medium is made of. Equal ones have equal files.
type mediaFile struct {
	kind          MediaKind
	format        string
	width, height int
	frames        int
	seconds       float64
	seed          uint64
}

// drawnMedium is a medium of a prompt and its place.
type drawnMedium struct {
	file   mediaFile
	pooled bool // the file is one of the pool
	place  float64
}

// drawer draws the media of prompts by one mix.
type drawer struct {
	mix                *MediaMix
	options            *MediaOptions
	salt, purpose      string // of the random numbers
	pool               MediaPool
	perImage, perVideo uint64 // most of a request
	perAudio           uint64
}

// newDrawer returns what draws by a mix. The salt of options goes into the files alone.
func newDrawer(mix *MediaMix, o *MediaOptions, purpose string, pool MediaPool) *drawer {
	if mix == nil {
		mix = &MediaMix{}
	}
	d := &drawer{mix: mix, options: o, salt: o.Salt, purpose: purpose, pool: pool}
	if m := mix.Image; m != nil {
		d.perImage = uint64(m.Count.Most())
	}
	if m := mix.Video; m != nil {
		d.perVideo = uint64(m.Count.Most())
	}
	if m := mix.Audio; m != nil {
		d.perAudio = uint64(m.Count.Most())
	}
	return d
}

// draw draws the media of prompt number i. They depend on the seed, the salt and i alone.
func (d *drawer) draw(i int64) (list []drawnMedium) {
	sizes := stream(d.options.Seed, "", d.purpose, i)
	files := stream(d.options.Seed, d.salt, d.purpose+" files", i)
	if m := d.mix.Image; m != nil {
		for k := range d.count(m.Count, sizes) {
			n, size := choose(m.Resolutions, defaultResolution, sizes)
			f := mediaFile{kind: Image, format: m.Format, width: size.Width, height: size.Height}
			list = append(list, d.one(f, n, i, k, d.perImage, m.Place, sizes, files))
		}
	}
	if m := d.mix.Video; m != nil {
		for k := range d.count(m.Count, sizes) {
			n, p := choose(m.Profiles, defaultProfile, sizes)
			list = append(list, d.one(videoFile(m.Format, p), n, i, k, d.perVideo, m.Place, sizes, files))
		}
	}
	if m := d.mix.Audio; m != nil {
		for k := range d.count(m.Count, sizes) {
			n, seconds := choose(m.Durations, 1.0, sizes)
			f := mediaFile{kind: Audio, format: "wav", seconds: seconds}
			list = append(list, d.one(f, n, i, k, d.perAudio, m.Place, sizes, files))
		}
	}
	return list
}

// videoFile returns a video of a profile, without its seed. The sides of an MP4 file are even.
func videoFile(format string, p VideoProfile) mediaFile {
	f := mediaFile{kind: Video, format: format, width: p.Width, height: p.Height, frames: p.Frames,
		seconds: float64(p.Frames) / framesPerSecond}
	if format == "mp4" {
		f.width, f.height = max(2, f.width&^1), max(2, f.height&^1)
	}
	return f
}

// framesPerSecond is the rate of videos.
const framesPerSecond = 10

// place draws where a medium stands. inference-perf draws whole numbers: the two ends of the text.
func (d *drawer) place(p Place, rng *rand.Rand) float64 {
	if d.options.Original && p.Drawn != nil {
		return float64(p.Drawn.drawOriginal(rng, false))
	}
	return p.Draw(rng)
}

func (d *drawer) count(c Distribution, rng *rand.Rand) int {
	if d.options.Original {
		return c.drawOriginal(rng, false)
	}
	return c.Draw(rng)
}

// one decides which file medium k of prompt i is, of those that profile number n allows, and where it stands. It takes
// as many random numbers whatever it decides.
func (d *drawer) one(f mediaFile, n int, i int64, k int, most uint64, place Place,
	sizes, files *rand.Rand) drawnMedium {
	at, pick, own := d.place(place, sizes), sizes.Uint64(), files.Uint64()
	if d.pool.Size == 0 || !d.reuses(f.kind, uint64(i)*most+uint64(k)) {
		f.seed = own
		return drawnMedium{file: f, place: at}
	}
	f.seed = d.pooledSeed(f, n, int64(pick%uint64(d.pool.Size)))
	return drawnMedium{file: f, pooled: true, place: at}
}

// pooledSeed returns the seed of a file of the pool of profile number n.
func (d *drawer) pooledSeed(f mediaFile, n int, number int64) uint64 {
	purpose := d.purpose + " pool " + string(f.kind) + " " + strconv.Itoa(n)
	return stream(d.options.Seed, d.salt, purpose, number).Uint64()
}

// reuses decides whether medium number k of a kind is one of the pool. The numbers k·φ modulo 1 fill the interval from
// 0 to 1 so evenly that any stretch of media has the share.
func (d *drawer) reuses(kind MediaKind, k uint64) bool {
	if d.pool.Reuse >= 1 {
		return true
	}
	const golden = 0x9e3779b97f4a7c15
	u := k*golden + stream(d.options.Seed, "", d.purpose+" reuse "+string(kind), 0).Uint64()
	return float64(u>>11)/(1<<53) < d.pool.Reuse
}

// choose draws a value by weight, and returns its number, too.
func choose[T any](list []Weighted[T], usual T, rng *rand.Rand) (int, T) {
	u := unit(rng)
	if len(list) == 0 {
		return 0, usual
	}
	total := 0.0
	for _, c := range list {
		total += c.Weight
	}
	u *= total
	for i, c := range list {
		if u < c.Weight {
			return i, c.Value
		}
		u -= c.Weight
	}
	if total <= 0 {
		return 0, list[0].Value
	}
	last := len(list) - 1 // rounding left a rest
	for list[last].Weight <= 0 {
		last--
	}
	return last, list[last].Value
}

// join joins the parts of a prefix and those of what follows it, with a space between. The space is a part of its own
// unless it stands between two texts, which become one, as inference-perf does it.
func join(prefix, rest []Part) []Part {
	if len(prefix) == 0 || len(rest) == 0 {
		return slices.Concat(prefix, rest)
	}
	last := prefix[len(prefix)-1]
	if last.Media != nil || rest[0].Media != nil {
		return slices.Concat(prefix, []Part{{Text: " "}}, rest)
	}
	return slices.Concat(prefix[:len(prefix)-1], []Part{{Text: last.Text + " " + rest[0].Text}}, rest[1:])
}
