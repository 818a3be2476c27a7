package client

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// Class is what requests of one kind have beside what all requests of a client have.
type Class struct {
	Name     string            // for messages
	Headers  map[string]string // replace those of the client
	Priority *int64            // nil sends none
}

// Defaults of the names by which a request carries its priority.
const (
	DefaultPriorityField  = "priority"
	DefaultPriorityHeader = "X-Priority"
)

// sharedParts are the headers and the further fields that requests of a class share, joined with those of all requests.
type sharedParts struct {
	header   http.Header
	extra    api.Extra
	idHeader string // name of the header that carries a request's id, "" for no header
}

// share joins the parts of a class with the header of all requests, which the first class without any takes as it is.
func (o *Options) share(header http.Header, class *Class) (sharedParts, error) {
	s := sharedParts{header: header, extra: o.Extra}
	if len(class.Headers) > 0 || class.Priority != nil && o.PriorityHeader != "" {
		s.header = header.Clone()
	}
	if p := class.Priority; p != nil {
		s.extra = o.prioritize(*p, s.header, s.extra)
	}
	if err := setHeaders(s.header, class.Headers); err != nil {
		return s, fmt.Errorf("%q: %w", class.Name, err)
	}
	if name := http.CanonicalHeaderKey(o.RequestIDHeader); s.header[name] == nil {
		s.idHeader = name
	}
	return s, nil
}

// prioritize writes a priority into a header, and returns fields of the body with it.
func (o *Options) prioritize(priority int64, header http.Header, fields api.Extra) api.Extra {
	text := strconv.FormatInt(priority, 10)
	if o.PriorityHeader != "" {
		header.Set(o.PriorityHeader, text)
	}
	if o.PriorityField == "" || !api.TakesPriority(o.API) {
		return fields
	}
	all := make(api.Extra, len(fields)+1)
	maps.Copy(all, fields)
	all[o.PriorityField] = []byte(text)
	return all
}

// makeClasses checks the classes and prepares what their requests share. Without classes, one adds nothing.
func (o *Options) makeClasses(header http.Header) ([]sharedParts, error) {
	classes := o.Classes
	if len(classes) == 0 {
		classes = make([]Class, 1)
	}
	made := make([]sharedParts, len(classes))
	for i := range classes {
		var err error
		if made[i], err = o.share(header, &classes[i]); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// settle settles the headers that a request alone has, and returns the further fields of its body.
func (s *sharedParts) settle(x *exchange) (api.Extra, error) {
	req := &x.asked
	if len(req.Headers) == 0 && len(req.Extra) == 0 && req.Priority == nil {
		return s.extra, nil
	}
	fields := s.extra
	if len(req.Headers) > 0 || req.Priority != nil {
		x.header = make(http.Header, len(req.Headers)+1)
	}
	if req.Priority != nil {
		fields = x.c.opts.prioritize(*req.Priority, x.header, fields)
	}
	if err := setHeaders(x.header, req.Headers); err != nil || len(req.Extra) == 0 {
		return fields, err
	}
	all := make(api.Extra, len(fields)+len(req.Extra))
	maps.Copy(all, fields)
	maps.Copy(all, req.Extra)
	return all, nil
}
