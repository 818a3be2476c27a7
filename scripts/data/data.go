// Package data holds the samples of the scripts, so that they are there wherever a script is saved.
package data

import _ "embed"

// The samples, each in the format of its data set.
var (
	//go:embed sharegpt-sample.json
	ShareGPT []byte
	//go:embed billsum-sample.json
	BillSum []byte
	//go:embed infinity-instruct-sample.json
	InfinityInstruct []byte
	//go:embed cnn-dailymail-sample.json
	CNNDailyMail []byte
	//go:embed prompts-sample.jsonl
	Prompts []byte
	//go:embed otel-sample.json
	OTel []byte
	//go:embed weka-sample.jsonl
	Weka []byte
	//go:embed mooncake-sample.jsonl
	Mooncake []byte
	//go:embed visionarena-sample.parquet
	VisionArena []byte
	// Tokenizer is a tokenizer.json of a small vocabulary, which is no model's.
	//go:embed sample-tokenizer.json
	Tokenizer []byte
)
