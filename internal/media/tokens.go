package media

// Rule estimates how many tokens a family of models makes of media.
type Rule struct {
	Name   string // of the family
	Source string // where the rule is published
	image  func(width, height int) int
	video  func(width, height, frames int) int
	audio  func(seconds float64) int
}

// RuleFor returns the rule of a model by its name, in whatever folder or capitals. It returns false if none is known.
func RuleFor(model string) (Rule, bool) { return Rule{}, false }

// Image returns the tokens of an image of width × height pixels, and 0 if the rule does not say.
func (r Rule) Image(width, height int) int {
	if r.image == nil {
		return 0
	}
	return r.image(width, height)
}

// Video returns the tokens of a video of that many frames, all of which the server looks at, and 0 if the rule does not
// say.
func (r Rule) Video(width, height, frames int) int {
	if r.video == nil {
		return 0
	}
	return r.video(width, height, frames)
}

// Audio returns the tokens of a sound, and 0 if the rule does not say.
func (r Rule) Audio(seconds float64) int {
	if r.audio == nil {
		return 0
	}
	return r.audio(seconds)
}
