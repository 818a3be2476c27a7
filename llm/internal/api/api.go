// Package api speaks the dialects of model servers: it builds request bodies and decodes answers, whole ones and the
// events of streamed ones. It knows no HTTP and no clock.
package api

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Request is a request to a server, in terms that all dialects share.
type Request struct {
	Model     string
	Prompt    string          // prompt of a completion
	Messages  json.RawMessage // messages of a chat: a JSON array, with the marks of blobs
	Checked   bool            // Messages is known to be JSON
	MaxTokens int             // limit of the output; 0 means no limit
	IgnoreEOS bool            // generate MaxTokens whatever the model says; an extension of vLLM and others
	Stream    bool
	// MaxTokensField is the name of the field that carries the limit, see [CheckMaxTokensField]; "" means the constant
	// of that name.
	MaxTokensField string
	// AddSpecial tells the server whether to add special tokens around the prompt; nil leaves the decision to the
	// server.
	AddSpecial *bool
	Format     json.RawMessage // response_format, see [Format]; nil leaves it out
	// Tools holds the definitions of tools, and ToolChoice the choice among them, as OpenAI's chat has them; each
	// dialect sends its own form. nil leaves them out.
	Tools, ToolChoice json.RawMessage
	Previous          string   // id of the answer that Messages continue; "" if they are all
	Inputs            []string // texts to embed, or documents to rank
	Files             []File   // to upload: a sound to write down, pictures to edit
	// Apart leaves Files out of forms: the mark of blob number i stands for file number i.
	Apart   bool
	Query   string // what documents are ranked by
	Vectors VectorOptions
	Ranking RankingOptions
	Sound   *SoundOptions  // nil for those of no option
	Visual  *VisualOptions // likewise
	Extra   Extra
}

// Dialect is one kind of endpoint, with a file of its own and an entry in All. It may be used concurrently.
type Dialect interface {
	// Name returns the dialect's name in options and records.
	Name() string
	// Verb returns the name of the Client's method that sends such a request in a script.
	Verb() string
	// Path returns the endpoint's path, which follows the base URL.
	Path() string
	// Input returns what its requests carry.
	Input() Input
	// Output returns what its answers are.
	Output() Output
	// Headers returns the headers that it adds to those of every request. key is the API key, "" if there is none.
	Headers(key string) map[string]string
	// Body returns the request's JSON, its keys in the order in which inference-perf sends them, then the extra ones.
	// The marks of blobs are in it as in the messages.
	// Its error names an option that the endpoint has no field for.
	Body(r *Request) ([]byte, error)
	// Decode reads a whole answer, or the data of one event of a streamed one, into out, whose buffers it reuses: the
	// text, the usage, the finish reason, the error. Its own error wraps io.ErrUnexpectedEOF if the data ends too
	// early.
	Decode(data []byte, out *Delta) error
	// IgnoresEOS reports whether there is a field for Request.IgnoreEOS, which otherwise is left out.
	IgnoresEOS() bool
	// EndMark returns the name of the mark that ends a stream, for messages.
	EndMark() string
}

// Input is what the requests of a dialect carry.
type Input int

// The kinds of input.
const (
	InputMessages Input = iota // Request.Messages: a chat; a prompt becomes its only message
	InputPrompt                // Request.Prompt
	InputTexts                 // Request.Inputs: texts to embed
	InputRanking               // Request.Query, and Request.Inputs as the documents to rank by it
	InputSpeech                // Request.Prompt: a text to speak
	InputSound                 // Request.Files: a sound to write down
	InputPicture               // Request.Prompt, and Request.Files as the pictures to edit
	InputVideo                 // Request.Prompt, and Request.Files as the picture to begin with
)

// Generates reports whether a model answers such an input token by token: the answer can be a stream, and has a limit.
func (i Input) Generates() bool { return i == InputMessages || i == InputPrompt }

// Streams reports whether answers to such an input can come piece by piece.
func (i Input) Streams() bool { return i.Generates() || i.Sounds() || i == InputPicture }

// StreamsByItself reports whether such answers are streamed unless an option says otherwise.
func (i Input) StreamsByItself() bool { return i.Generates() || i == InputSpeech }

// Shows reports whether pictures or a video come of such an input.
func (i Input) Shows() bool { return i == InputPicture || i == InputVideo }

// Sounds reports whether sound comes of such an input, or is one.
func (i Input) Sounds() bool { return i == InputSpeech || i == InputSound }

// Output is what the answers of a dialect are.
type Output int

// The kinds of answers.
const (
	OutputText     Output = iota // text, whole or token by token
	OutputResults                // vectors or scores, in one JSON object
	OutputSound                  // bytes of sound, as they are made
	OutputPictures               // pictures, in one JSON object
	OutputVideo                  // a job, whose video is fetched when it is done
)

// File is a file that a request uploads.
type File struct {
	Name string // as the form has it, such as sound.wav
	Type string // the media type
	Data []byte
}

// TakesPriority reports whether bodies of a dialect may have a field for a priority, as those of vLLM and SGLang do.
// The Messages API refuses fields that it does not know, and APIs of media have no such field.
func TakesPriority(d Dialect) bool {
	_, form := d.(Uploader)
	return d != Messages && !form && (d.Output() == OutputText || d.Output() == OutputResults)
}

// Uploader is a Dialect whose requests are forms with files, not JSON.
type Uploader interface {
	// ContentType returns the type of the bodies that Body returns.
	ContentType() string
}

// Checker is a Dialect whose answers must fit their requests.
type Checker interface {
	// Check returns an error if a whole answer is not one to the request.
	Check(r *Request, d *Delta) error
}

// All returns all dialects, in the order in which messages list them.
func All() []Dialect {
	return []Dialect{Chat, Completion, Messages, Responses, Embeddings, Rerank, Speech, Transcription, Image, Video}
}

// Names returns the names of all dialects.
func Names() (names []string) {
	for _, d := range All() {
		names = append(names, d.Name())
	}
	return names
}

// ByName returns the dialect with the given name.
func ByName(name string) (Dialect, error) {
	for _, d := range All() {
		if d.Name() == name {
			return d, nil
		}
	}
	return nil, fmt.Errorf("unknown api %q, known are %s", name, strings.Join(Names(), ", "))
}

// ToolCall is a call of a tool in an answer.
type ToolCall struct {
	ID, Name  string
	Arguments string // as the model wrote them, normally an object in JSON
}

// Delta holds the content of one event, or of a whole answer. If there are several choices, it describes the first.
type Delta struct {
	Done    bool   // the end mark of a stream: no more of the answer follows
	Choices int    // in the event; 0 for usage alone, for signs of life, and for what is not an answer of a model
	Index   int    // index of the choice that is described
	Content []byte // text of the answer
	Message bool   // the output is whole, which streams of deltas repeat at their end
	Again   bool   // the output is that of the whole answer, which counts only if nothing of it came before

	Reasoning bool   // a non-empty reasoning delta
	ToolCall  bool   // a tool-call delta
	Aside     []byte // text of the reasoning; names and arguments of the tool calls
	Pieces    []Piece

	FinishReason string
	ID           []byte // of an answer that Request.Previous can name, a slice of the decoded data; empty for others
	Usage        []byte // the usage map's JSON, a slice of the decoded data; empty if there was none
	Error        string // the message of an error, in whichever form the server sent it
	Words        []byte // what an object without choices says instead, a slice of the decoded data

	Results  Results   // of an answer that is no text
	Pictures *Pictures // of an answer that is pictures
}

func (d *Delta) reset() {
	content, aside, pieces := d.Content[:0], d.Aside[:0], d.Pieces[:0]
	*d = Delta{}
	d.Content, d.Aside, d.Pieces = content, aside, pieces
}
