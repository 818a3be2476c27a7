package trace

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// bodies reads recorded requests: a time, the body of a request to a chat or a completion, and optionally its headers,
// which become attributes of the call, and the session. The body is a field, or the record itself.
type bodies struct {
	Options
	columns *columns
}

func newBodies(o Options) Format { return bodies{o, newColumns(o)} }

func (bodies) Name() string { return "bodies" }

func (b bodies) Detects(record []byte) bool {
	f, err := b.columns.find(record)
	if err != nil {
		return false
	}
	body := f.value[bodyColumn]
	if body.Type == gjson.String {
		body = gjson.Parse(body.Str)
	}
	if body.IsObject() {
		return body.Get("messages").IsArray() || body.Get("prompt").Exists()
	}
	whole := pick(record, "messages", "model", "max_tokens", "stream")
	return whole[0].IsArray() && (whole[1].Exists() || whole[2].Exists() || whole[3].Exists())
}

func (b bodies) Needed(name string) bool { return b.columns.indexed(name) }

func (b bodies) Index(record []byte) (Entry, error) {
	f, err := b.columns.find(record)
	return f.entry(), err
}

func (b bodies) Session(records []Record) (*workload.Session, error) {
	return grown(records, b.columns, b.IdleGapCap, b.call)
}

// call makes the call of a record.
func (b bodies) call(r Record, f fields) (c workload.Call, err error) {
	if body := f.value[bodyColumn]; given(body) {
		c, err = readBody(body)
	} else {
		c, err = readBody(gjson.Parse(view(r.Data)), f.name[timeColumn], f.name[sessionColumn], f.name[headersColumn])
	}
	if err == nil {
		c.Attributes = readHeaders(f.value[headersColumn])
	}
	return c, err
}

// secrets are the headers that are left out: a replay has credentials of its own.
var secrets = map[string]bool{
	"authorization": true, "proxy-authorization": true, "cookie": true, "x-api-key": true, "api-key": true,
}

// readHeaders returns headers by their names in lower case: of an object, or of a list of objects with name and value.
func readHeaders(headers gjson.Result) map[string]string {
	if headers.Type == gjson.String {
		headers = gjson.Parse(headers.Str)
	}
	var all map[string]string
	add := func(name, value gjson.Result) {
		if value.IsArray() {
			value = value.Get("0")
		}
		key := strings.ToLower(name.String())
		if key == "" || secrets[key] {
			return
		}
		if all == nil {
			all = map[string]string{}
		}
		all[key] = value.String()
	}
	headers.ForEach(func(name, value gjson.Result) bool {
		if headers.IsArray() {
			name, value = value.Get("name"), value.Get("value")
		}
		add(name, value)
		return true
	})
	return all
}
