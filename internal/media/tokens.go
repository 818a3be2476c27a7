package media

import (
	"math"
	"strings"
)

// Rule estimates how many tokens a family of models makes of media. It counts neither the marks that some templates put
// around them nor what a server is configured to do otherwise.
type Rule struct {
	Name   string // of the family
	Source string // where the rule is published
	image  func(width, height int) int
	video  func(width, height, frames int) int
	audio  func(seconds float64) int
}

// Image returns the tokens of an image of width × height pixels, and 0 if the rule does not say.
func (r Rule) Image(width, height int) int {
	if r.image == nil || width < 1 || height < 1 {
		return 0
	}
	return r.image(width, height)
}

// Video returns the tokens of a video of that many frames, if the server looks at all of them, and 0 if the rule does
// not say.
func (r Rule) Video(width, height, frames int) int {
	if r.video == nil || width < 1 || height < 1 || frames < 1 {
		return 0
	}
	return r.video(width, height, frames)
}

// Audio returns the tokens of a sound, and 0 if the rule does not say.
func (r Rule) Audio(seconds float64) int {
	if r.audio == nil || !(seconds > 0 && seconds < 1e6) {
		return 0
	}
	return r.audio(seconds)
}

// RuleFor returns the rule of a model by its name, in whatever folder, capitals and with whatever hyphens. It returns
// false if none is known.
func RuleFor(model string) (Rule, bool) {
	name := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(model))
	for _, family := range families {
		for _, part := range family.parts {
			if strings.Contains(name, part) {
				return family.rule, true
			}
		}
	}
	return Rule{}, false
}

// family is a rule and what the names of its models have in them, in lower case and without hyphens.
type family struct {
	parts []string
	rule  Rule
}

// families holds the more special names first.
var families = []family{
	{[]string{"qwen2.5omni"}, Rule{Name: "Qwen2.5-Omni", Source: "https://arxiv.org/abs/2503.20215",
		image: qwen2Image, audio: qwenAudio}},
	{[]string{"qwen3omni"}, Rule{Name: "Qwen3-Omni", Source: "https://arxiv.org/abs/2509.17765", audio: qwen3Audio}},
	{[]string{"qwen3vl"}, Rule{Name: "Qwen3-VL", Source: "https://github.com/QwenLM/Qwen3-VL",
		image: qwen3Image, video: qwen3Video}},
	{[]string{"qwen2vl", "qwen2.5vl"}, Rule{Name: "Qwen2-VL", Source: "https://arxiv.org/abs/2409.12191",
		image: qwen2Image, video: qwen2Video}},
	{[]string{"qwen2audio"}, Rule{Name: "Qwen2-Audio", Source: "https://arxiv.org/abs/2407.10759",
		audio: func(seconds float64) int { return qwenAudio(min(seconds, 30)) }}},
	{[]string{"llava1.5", "llavav1.5"}, Rule{Name: "LLaVA-1.5", Source: "https://arxiv.org/abs/2310.03744",
		image: always(576)}},
	{[]string{"internvl2", "internvl3"}, Rule{Name: "InternVL", Source: "https://arxiv.org/abs/2404.16821",
		image: internVL}},
	{[]string{"gemma3n"}, Rule{Name: "Gemma 3n", Source: "https://ai.google.dev/gemma/docs/gemma-3n/model_card",
		image: always(256), audio: steady(6.25)}},
	{[]string{"gemma3"}, Rule{Name: "Gemma 3", Source: "https://arxiv.org/abs/2503.19786", image: always(256)}},
	{[]string{"pixtral12b"}, Rule{Name: "Pixtral", Source: "https://arxiv.org/abs/2410.07073",
		image: pixtral(1024, 16)}},
	{[]string{"mistralsmall3.1", "mistralsmall3.2"}, Rule{Name: "Mistral Small 3.1",
		Source: "https://huggingface.co/docs/transformers/model_doc/mistral3", image: pixtral(1540, 28)}},
	{[]string{"gpt4omini"}, Rule{Name: "GPT-4o mini", Source: openAISource, image: openAI(2833, 5667)}},
	{[]string{"gpt4o"}, Rule{Name: "GPT-4o", Source: openAISource, image: openAI(85, 170)}},
	{[]string{"phi4multimodal"}, Rule{Name: "Phi-4-multimodal", Source: "https://arxiv.org/abs/2503.01743",
		audio: steady(12.5)}},
	{[]string{"voxtralmini3b", "voxtralsmall"}, Rule{Name: "Voxtral", Source: "https://arxiv.org/abs/2507.13264",
		audio: func(seconds float64) int { return 375 * int(math.Ceil(seconds/30)) }}}, // filled up to 30 s
	{[]string{"ultravoxv04", "ultravoxv05"}, Rule{Name: "Ultravox", Source: "https://github.com/fixie-ai/ultravox",
		audio: steady(6.25)}},
}

const openAISource = "https://platform.openai.com/docs/guides/images-vision"

func always(tokens int) func(int, int) int { return func(int, int) int { return tokens } }

func steady(perSecond float64) func(float64) int {
	return func(seconds float64) int { return int(math.Ceil(seconds * perSecond)) }
}

// fit returns the sides of an image or of frames, scaled to multiples of factor and so that all its pixels are from
// least to most. frames is how many there are to be scaled from, whole how many they are filled up to.
func fit(width, height, frames, whole, factor, least, most int) (w, h int) {
	f := float64(factor)
	round := func(n int) int { return int(math.RoundToEven(float64(n)/f)) * factor }
	w, h = round(width), round(height)
	pixels := float64(width) * float64(height) * float64(frames)
	switch size := w * h * whole; {
	case size > most:
		scale := math.Sqrt(pixels / float64(most))
		down := func(n int) int { return max(factor, int(math.Floor(float64(n)/scale/f))*factor) }
		return down(width), down(height)
	case size < least:
		scale := math.Sqrt(float64(least) / pixels)
		up := func(n int) int { return int(math.Ceil(float64(n)*scale/f)) * factor }
		return up(width), up(height)
	}
	return w, h
}

// Patches have sides of 14 pixels, and 2 × 2 of them make a token. The bounds of pixels are those of the models' files.
func qwen2Image(width, height int) int {
	w, h := fit(width, height, 1, 1, 28, 56*56, 16384*28*28)
	return w / 28 * (h / 28)
}

// Two frames make the tokens of one.
func qwen2Video(width, height, frames int) int { return qwen2Image(width, height) * ((frames + 1) / 2) }

// As before, with sides of 16.
func qwen3Image(width, height int) int {
	w, h := fit(width, height, 1, 1, 32, 256*256, 4096*4096)
	return w / 32 * (h / 32)
}

// The bounds are of the pixels of all frames together.
func qwen3Video(width, height, frames int) int {
	width, height = max(width, 32), max(height, 32)
	whole := (frames + 1) / 2 * 2
	w, h := fit(width, height, frames, whole, 32, 4*32*32, 24576*32*32)
	return whole / 2 * (w / 32) * (h / 32)
}

// qwenAudio halves a hundred frames a second twice.
func qwenAudio(seconds float64) int {
	frames := int(math.Ceil(seconds * 100))
	return max(((frames-1)/2+1-2)/2+1, 1)
}

// qwen3Audio halves three times, a hundred frames at once.
func qwen3Audio(seconds float64) int {
	frames := int(math.Ceil(seconds * 100))
	tokens := frames / 100 * 13
	if rest := frames % 100; rest > 0 {
		for range 3 {
			rest = (rest-1)/2 + 1
		}
		tokens += rest
	}
	return tokens
}

// internVL makes 256 tokens of each tile of 448 × 448 pixels, of at most 12, in the grid whose shape is nearest, and as
// many of the whole if there is more than one.
func internVL(width, height int) int {
	const side, most = 448, 12
	shape, area := float64(width)/float64(height), float64(width)*float64(height)
	best, tiles := math.Inf(1), 1
	for n := 1; n <= most; n++ {
		for across := 1; across <= n; across++ {
			if n%across != 0 {
				continue
			}
			apart := math.Abs(shape - float64(across)/float64(n/across))
			// Of grids of the same shape, a larger one that the image fills by half.
			if apart < best || apart == best && area > 0.5*side*side*float64(n) {
				best, tiles = apart, n
			}
		}
	}
	if tiles > 1 {
		tiles++
	}
	return 256 * tiles
}

// pixtral makes a token of each square of factor pixels, of an image that is at most so long, and one of the end of
// each row.
func pixtral(longest, factor int) func(int, int) int {
	return func(width, height int) int {
		if ratio := max(float64(width), float64(height)) / float64(longest); ratio > 1 {
			width, height = int(float64(width)/ratio), int(float64(height)/ratio)
		}
		across, down := max((width-1)/factor, 0)+1, max((height-1)/factor, 0)+1
		return (across + 1) * down
	}
}

// openAI scales an image down to 2048 × 2048 pixels, and its shorter side to 768, and counts squares of 512.
func openAI(base, tile int) func(int, int) int {
	return func(width, height int) int {
		w, h := float64(width), float64(height)
		scale := min(1, 2048/max(w, h))
		scale = min(scale, 768/min(w, h))
		across, down := math.Ceil(math.Round(w*scale)/512), math.Ceil(math.Round(h*scale)/512)
		return base + tile*int(across*down)
	}
}
