package prometheus

import (
	"fmt"
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// sample is one series of an answer.
type sample struct {
	labels map[string]string
	value  float64 // may be NaN or infinite
}

// parseAnswer reads Prometheus' answer to a query: a scalar, or the series of a vector.
func parseAnswer(body []byte) ([]sample, error) {
	kind, result, err := resultOf(body)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "scalar":
		value, err := parseValue(result)
		return []sample{{value: value}}, err
	case "vector":
		return parseVector(result)
	default:
		return nil, &fault{what: fmt.Sprintf("the answer is a %q, want a vector", plain.Excerpt(kind))}
	}
}

// resultOf returns the kind of Prometheus' answer to a query, and its result.
func resultOf(body []byte) (kind string, result gjson.Result, err error) {
	if !gjson.ValidBytes(body) {
		return "", result, &fault{what: "the answer is no JSON, so this is not a Prometheus", fix: whatURL, fatal: true}
	}
	answer := gjson.ParseBytes(body)
	switch status := answer.Get("status").String(); status {
	case "success":
	case "error":
		return "", result, &fault{what: fmt.Sprintf("the query was refused (%s: %s)",
			plain.Excerpt(answer.Get("errorType").String()),
			plain.Excerpt(answer.Get("error").String()))}
	default:
		return "", result, &fault{what: "the answer has no status, so this is not a Prometheus", fix: whatURL,
			fatal: true}
	}
	return answer.Get("data.resultType").String(), answer.Get("data.result"), nil
}

func parseVector(result gjson.Result) (list []sample, err error) {
	for _, series := range result.Array() {
		s := sample{labels: map[string]string{}}
		series.Get("metric").ForEach(func(key, value gjson.Result) bool {
			s.labels[key.String()] = value.String()
			return true
		})
		if s.value, err = parseValue(series.Get("value")); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// parseValue reads [time, "value"].
func parseValue(pair gjson.Result) (float64, error) {
	text := pair.Get("1").String()
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, &fault{what: fmt.Sprintf("the answer holds %q, want a number", plain.Excerpt(text))}
	}
	return value, nil
}
