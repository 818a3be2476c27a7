package datasets

import (
	"reflect"
	"strings"
	"testing"
)

func TestReadLengths(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"as Azure has it": "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 " +
			"18:17:03.9799600,374,44\n\n2023-11-16 18:17:04.0,6,0\n",
		"no head line": "2023-11-16 18:17:03.9799600,374,44\n\n2023-11-16T18:17:04Z, 6 ,1,more",
		"other order":  "\ufeffgeneratedtokens,x, contexttokens\n44,7,374\n\n1,7,6",
		"Excel's": "\ufeffTIMESTAMP;Context Tokens " +
			";Generated_Tokens;note\r\n2023;374;44\r\n;;;\r\n17;\"6\";1.0;NaN",
		"short names":     "time,in,out\n0,374,44\n\n1,6,1\n",
		"AIPerf's":        "timestamp,ISL,osl\n0,374,44\n\n1,6,1\n",
		"pandas'":         "\ttimestamp\tinput_tokens\toutput_tokens\n0\t\t374.0\t44\n\n1\tNaN\t6.0\t1e0\n",
		"decimal commas":  "t;ContextTokens;GeneratedTokens\n0,5;374,0;44\n\n1;6;1,0\n",
		"commas, no head": "0,5;374,0;44\n\n1;6;0\n",
		"Excel's line":    "sep=;\nContextTokens;GeneratedTokens\n374;44\n\n6,0;1\n",
		"Vidur's": ",arrived_at,num_prefill_tokens,num_decode_tokens,num_total_tokens\n" +
			"0,0.5,374,44,418\n\n1,0.75,6,1,7\n",
		"BurstGPT's": "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log " +
			"Type\n5,ChatGPT,374,44,418,x\n,,,,,\n45,,6,0,6,y\n",
	} {
		got, err := ReadLengths(strings.NewReader(file), "f.csv")
		first := int32(2)
		switch name {
		case "no head line", "commas, no head":
			first = 1
		case "Excel's line":
			first = 3
		}
		if want := []Lengths{{374, 44, first}, {6, 1, first + 2}}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, want)
		}
	}
	for file, want := range map[string]string{
		"": "f.csv: no request in it",
		"TIMESTAMP,ContextTokens,GeneratedTokens\n": "f.csv: no request in it",
		"TIMESTAMP,Tokens\n1,2": "f.csv:1: no column has the lengths of prompts (ContextTokens, prompt_tokens, " +
			"input_tokens, request_tokens, num_prefill_tokens …); the columns are TIMESTAMP, Tokens: " +
			"rename one, or remove the head line if the lengths are the second and the third",
		"time,ISL,n\n1,2,3": "no column has the lengths of answers (GeneratedTokens, completion_tokens, ",
		"0,5,6\n0,5":        "f.csv:2: the line has no GeneratedTokens",
		"0,5,6\n0,5.5,1": `f.csv:2: ContextTokens must be a whole number up to 16777216, ` +
			`got "5.5"`,
		"0,hello,1": `got "hello": scripts/replay.js replays a log of texts`,
		"0,5,-6":    `f.csv:1: GeneratedTokens must be a whole number`,
		"0,5,6\n0,NaN,1": `f.csv:2: ContextTokens must be a whole number up to 16777216, ` +
			`got "NaN"`,
		"0;5;6\n0;5,5;1": `f.csv:2: ContextTokens must be a whole number up to 16777216, ` +
			`got "5.5"`,
		"0,5,6\n0,,1":       `f.csv:2: ContextTokens must be a whole number up to 16777216, got ""`,
		"0\x00,\x00":        "f.csv: the file is UTF-16",
		"0,5,6\n0,\"5\"x,1": "f.csv: parse error on line 2",
	} {
		if _, err := ReadLengths(strings.NewReader(file), "f.csv"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", file, err, want)
		}
	}
}

func FuzzReadLengths(f *testing.F) {
	f.Add("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,374,44\n")
	f.Add("0,5,6\n")
	f.Add("0,1e308,-0\n0,99999999999999999999,NaN\n")
	f.Add("0;\x1b[2J;\u202e\n\x00,1,1\n" + strings.Repeat(",", 5000))
	f.Fuzz(func(t *testing.T, file string) {
		all, err := ReadLengths(strings.NewReader(file), "f.csv")
		if (err == nil) != (len(all) > 0) {
			t.Errorf("%d requests, %v", len(all), err)
		}
		for _, l := range all {
			if l.Prompt < 0 || l.Answer < 1 || l.Line < 1 || max(l.Prompt, l.Answer) > maxLength {
				t.Errorf("%+v", l)
			}
		}
	})
}
