package api

// Completion is the dialect of OpenAI's older completions of a text.
var Completion Dialect = completion{}

type completion struct{ openAI }

func (completion) Name() string { return "completion" }
func (completion) Verb() string { return "complete" }
func (completion) Path() string { return "/completions" }
func (completion) Input() Input { return InputPrompt }

func (d completion) Body(r *Request) ([]byte, error) {
	if err := checkTools(r, d.Name()); err != nil {
		return nil, err
	}
	return d.body(r, func(w *bodyWriter) { w.text("prompt", r.Prompt) })
}
