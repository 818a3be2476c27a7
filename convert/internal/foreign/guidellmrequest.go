package foreign

// guideLLMRequest is a request of any version of guidellm, whose keys do not collide.
type guideLLMRequest struct {
	in         cursor
	q          Request
	bodies     bool
	start, end bool
	flat       bool     // written by 0.2 or 0.3
	ttft       *float64 // as the tool computed it, in milliseconds
}

// settleFirst takes the tool's own TTFT where the instant of the first token is missing.
func (e *guideLLMRequest) settleFirst() {
	if q := &e.q; q.First == nil && e.ttft != nil && e.start && *e.ttft > 0 {
		q.First = new(q.Start + *e.ttft/1000)
	}
}

func (e *guideLLMRequest) member(key string) (err error) {
	q := &e.q
	switch key {
	case "start_time", "request_start_time":
		e.flat = e.flat || key == "start_time"
		q.Start, e.start, err = e.in.instant()
	case "end_time", "request_end_time":
		q.End, e.end, err = e.in.instant()
	case "first_token_time":
		q.First, err = e.in.optional()
	case "last_token_time":
		q.Last, err = e.in.optional()
	case "time_to_first_token_ms":
		e.ttft, err = e.in.optional()
	case "prompt_tokens":
		q.InputTokens, err = e.in.count()
	case "output_tokens":
		q.OutputTokens, err = e.in.count()
	case "request_type":
		q.API, err = e.in.text()
		q.API = apiOf(q.API)
	case "error":
		q.ErrorMessage, err = e.in.text()
	case "info":
		err = e.in.objectOrNull(e.info)
	case "scheduler_info":
		err = e.in.objectOrNull(e.scheduler)
	case "request_args", "prompt":
		q.RequestBody, err = e.body()
	case "output":
		q.ResponseBody, err = e.body()
	default:
		err = e.in.skip()
	}
	return err
}

// body reads a text if bodies were asked for.
func (e *guideLLMRequest) body() (string, error) {
	if e.bodies {
		return e.in.text()
	}
	return "", e.in.skip()
}

// instant reads an instant that may be null.
func (c *cursor) instant() (v float64, known bool, err error) {
	at, err := c.optional()
	if err != nil || at == nil {
		return 0, false, err
	}
	return *at, true, nil
}

func (e *guideLLMRequest) info(key string) (err error) {
	q := &e.q
	switch key {
	case "timings":
		err = e.in.objectOrNull(e.timings)
	case "error":
		q.ErrorMessage, err = e.in.text()
	case "conversation_id":
		q.SessionID, err = e.in.text()
	case "turn_index":
		q.Turn, err = e.in.count()
	default:
		err = e.in.skip()
	}
	return err
}

func (e *guideLLMRequest) timings(key string) (err error) {
	q := &e.q
	switch key {
	case "targeted_start":
		q.Due, err = e.in.optional()
	case "first_token_iteration":
		q.First, err = e.in.optional()
	case "first_output_token_iteration": // content alone, from 0.7
		if q.First == nil {
			q.First, err = e.in.optional()
		} else {
			err = e.in.skip()
		}
	case "last_token_iteration":
		q.Last, err = e.in.optional()
	case "token_iterations":
		q.ChunkCount, err = e.in.count()
	default:
		err = e.in.skip()
	}
	return err
}

// scheduler reads the plan of 0.2 and 0.3, in which -1 means that the instant never came.
func (e *guideLLMRequest) scheduler(key string) error {
	if key != "targeted_start_time" {
		return e.in.skip()
	}
	if e.in.null() {
		return nil
	}
	at, err := e.in.float()
	if err == nil && at >= 0 {
		e.q.Due = &at
	}
	return err
}
