package api

// Chat is the dialect of OpenAI's chat completions.
var Chat Dialect = chat{}

type chat struct{ openAI }

func (chat) Name() string { return "chat" }
func (chat) Verb() string { return "chat" }
func (chat) Path() string { return "/chat/completions" }
func (chat) Input() Input { return InputMessages }

func (d chat) Body(r *Request) ([]byte, error) {
	return d.body(r, func(w *bodyWriter) { w.messages("messages", r.Messages, r) })
}
