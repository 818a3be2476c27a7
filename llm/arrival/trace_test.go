package arrival

import (
	"slices"
	"strings"
	"testing"
)

func TestReadTrace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file   string
		column, unit string
		want         []float64
	}{
		{"Azure's", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 " +
			"18:17:04.0319600,3180,8\n\n2023-11-17 18:17:03.97996,1,2\n", "TIMESTAMP", "times",
			[]float64{0, 0.052, 86400}},
		{"with T and zone", "2024-05-10T00:00:00.5Z,1,2\n2024-05-10T02:00:00.75+02:00,1,2\n", "", "times",
			[]float64{0, 0.25}},
		{"other zones", "2024-05-10 00:00:00.5 UTC\n2024-05-10 02:00:00.75 +0200\n2024-05-10T00:00:02+0000\n", "",
			"times", []float64{0, 0.25, 1.5}},
		{"Excel's", "\ufeffId;Arrival Time\r\n7;2024/05/10 00:00:00\r\n8;2024/05/10 00:01:00\r\n;\r\n", "Arrival Time",
			"times", []float64{0, 60}},
		{"seconds", "10\n10.5\n10.5\n", "", "seconds", []float64{0, 0.5, 0.5}},
		{"one column of any name", "h\n1\n3\n", "h", "seconds", []float64{0, 2}},
		{"BurstGPT's", "Timestamp,Model,Request tokens\n5,ChatGPT,472\n45,ChatGPT,1087\n", "Timestamp", "seconds",
			[]float64{0, 40}},
		{"another order", "id, \"timestamp \"\n5,100\n4,100.5\n", "timestamp", "seconds", []float64{0, 0.5}},
		{"tabs", "id\tts\n\t1\n\t2\n", "ts", "seconds", []float64{0, 1}},
		{"epochs in s", "1700000000.25,1\n1700000001,1\n", "", "epochs in seconds", []float64{0, 0.75}},
		{"epochs in ms", "1700000000123,1\n1700000001124,1\n", "", "epochs in milliseconds", []float64{0, 1.001}},
		{"epochs in µs", "1700000000000001,1\n1700000000000002,1\n", "", "epochs in microseconds", []float64{0, 1e-6}},
		{"epochs in ns", "1700000000000000001,1\n1700000000000000002,1\n", "", "epochs in nanoseconds",
			[]float64{0, 1e-9}},
		{"as floats", "1.7e12\n1.700000000001e12\n", "", "epochs in milliseconds", []float64{0, 0.001}},
		{"the name tells", "n,arrived_at (ms)\n1,0\n1,1500\n", "arrived_at (ms)", "milliseconds", []float64{0, 1.5}},
		{"a unit alone", "n,Seconds\n1,1\n1,3\n", "Seconds", "seconds", []float64{0, 2}},
		{"decimal commas", "t;n\n0,5;1\n 1,25 ;2\n1e1;3\n", "t", "seconds", []float64{0, 0.75, 9.5}},
		{"decimal commas without a head line", "0,5;12,0\n2;12,0\n", "", "seconds", []float64{0, 1.5}},
		{"Excel's separator", "\ufeffsep=;\r\nts;n\r\n1,5;1\r\n2;1\r\n", "ts", "seconds", []float64{0, 0.5}},
		{"a German date", "Timestamp;n\n16.11.2023 18:17:03,5;1\n1.12.2023 18:17:04;1\n1.12.2023 18:18;1\n",
			"Timestamp", "times", []float64{0, 1296000.5, 1296056.5}},
		{"an American date", "Timestamp,n\n11/16/2023 18:17:03,1\n11/16/2023 18:17:03.25,1\n", "Timestamp", "times",
			[]float64{0, 0.25}},
		{"an American time", "2/3/2023 11:59:59 AM\n2/3/2023 12:00 pm\n2/13/2023 12:00 PM\n", "", "times",
			[]float64{0, 1, 864001}},
		{"a British date", "Timestamp\n16/11/2023 18:17\n17/11/2023 18:17\n", "Timestamp", "times",
			[]float64{0, 86400}},
		{"a Dutch date", "16-11-2023 18:17:03\n01-12-2023 18:17:03\n", "", "times", []float64{0, 1296000}},
		{"the same day in either order", "3/4/2023 10:00:00\n3/4/2023 10:00:01\n", "", "times", []float64{0, 1}},
		{"in order by one reading alone", "1/12/2023 10:00:00\n2/1/2023 10:00:00\n", "", "times",
			[]float64{0, 20 * 86400}},
		{"Vidur's", ",arrived_at,num_prefill_tokens,num_decode_tokens\n0,0.5,374,44\n1,0.75,6,1\n", "arrived_at",
			"seconds", []float64{0, 0.25}},
		{"the best name", "time_us,timestamp\n9,1\n8,2\n", "timestamp", "seconds", []float64{0, 1}},
	} {
		got, err := ReadTrace(strings.NewReader(tt.file), "t.csv")
		if err != nil || !slices.Equal(got.Seconds, tt.want) || got.Column != tt.column || got.Unit != tt.unit {
			t.Errorf("%s: got %+v, %v; want %v of %q, %s", tt.name, got, err, tt.want, tt.column, tt.unit)
		}
	}
	for file, want := range map[string]string{
		"":                    "t.csv: no instant in it",
		"TIMESTAMP\n":         "t.csv: no instant in it",
		"1\nx\n":              `t.csv:2: "x" is neither a time`,
		"h\n2\n1\n":           `t.csv:3: "1" comes before the line ahead of it: sort`,
		"1\n\"x\n":            "t.csv: ",
		"1\nNaN\n":            `t.csv:2: "NaN" is neither`,
		"2023-13-45 1:1:1\n5": "",
		"a,b\n1,2\n": "t.csv:1: no column has the times of requests (timestamp, time, arrival_time, start_time …); " +
			"the columns are a, b",
		"a,time\n1\n":              "t.csv:2: the line has no field 2, the column time",
		"2023-11-16 18:17:03\n5\n": `t.csv:2: "5" is not of the kind of the first instant`,
		"t\n3/4/2023 10:00:00\n5/4/2023 10:00:00\n": `t.csv:2: "3/4/2023 10:00:00" can be 4 March and 3 April, ` +
			`and the column does not tell which: write dates as 2023-11-16 18:17:03`,
		"t\n13/4/2023 10:00:00\n4/13/2023 10:00:00\n": `t.csv:3: "4/13/2023 10:00:00", read as day/month: ` +
			`"2023-13-04 10:00:00" is neither a time`,
		"t\n4/13/2023 10:00:00\n4/12/2023 10:00:00\n": `t.csv:3: "4/12/2023 10:00:00", read as month/day: ` +
			`"2023-04-12 10:00:00" comes before`,
		"t\n13/4/2023 10:00:00\n2023-04-13 10:00:01\n": `t.csv:2: "13/4/2023 10:00:00" is not of the kind of the ` +
			`other instants`,
		"t\n13/14/2023 10:00:00\n": `t.csv:2: "13/14/2023 10:00:00", read as month/day: ` +
			`"2023-13-14 10:00:00" is neither a time`,
		"\xff\xfe1\x00": "t.csv: the file is UTF-16",
	} {
		_, err := ReadTrace(strings.NewReader(file), "t.csv")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", file, err, want)
		}
	}
}

func FuzzReadTrace(f *testing.F) {
	f.Add("TIMESTAMP,a\n2023-11-16 18:17:03.9799600,4808\n2023-11-16 18:17:04,1\n")
	f.Add("1\n2.5\n")
	f.Add("sep=;\nt;n\n0,5;1\n")
	f.Add("t\n13/4/2023 10:00:00\n14/4/2023 10:00 PM\n")
	f.Add("\ufeffa;time (ms)\r\n1;1700000000000000001\r\n;1700000000000000002")
	f.Add("1e308\n1.7e308\n")
	f.Add("-9223372036854775808\n9223372036854775807\n\x00")
	f.Add("\xff\xfe1\x00\n\x00")
	f.Add("t;\u202e\n=1;\x1b[2J\n" + strings.Repeat(";", 5000))
	f.Fuzz(func(t *testing.T, file string) {
		trace, err := ReadTrace(strings.NewReader(file), "f")
		seconds := trace.Seconds
		if err == nil && (len(seconds) == 0 || seconds[0] != 0 || !slices.IsSorted(seconds)) {
			t.Errorf("%q: got %v", file, seconds)
		}
	})
}
