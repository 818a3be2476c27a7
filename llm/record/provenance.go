package record

// File identifies a file by its content.
type File struct {
	Kind   string `json:"kind"`             // one of the constants Kind…
	Name   string `json:"name"`             // without its folders, which can tell who the user is
	Bytes  int64  `json:"bytes"`            // its size
	SHA256 string `json:"sha256,omitempty"` // in hexadecimal digits; "" if it is unknown
	// Ends reports that the hash is only of the first and the last [EndLength] bytes, because the file is large.
	Ends bool `json:"ends_only,omitempty"`
}

// Values of File.Kind.
const (
	KindScript        = "script"        // the script that k6 ran
	KindModule        = "module"        // a file that the script imports
	KindBinary        = "binary"        // the program that sent the requests
	KindConfiguration = "configuration" // a configuration that the script read
	KindData          = "data"          // a file of a data set or a trace
	KindTokenizer     = "tokenizer"     // a file of the client's tokenizer
	KindRecords       = "records"       // a file of records that a report was made of
	KindReport        = "report"        // a file of a report
)

// EndLength is how much of either end of a large file is hashed, in bytes.
const EndLength = 1 << 20

// Machine describes the computer of an instance. It holds no name of it. Zero values are unknown.
type Machine struct {
	CPU    string  `json:"cpu,omitempty"`   // the model of its processor
	Cores  int     `json:"cores,omitempty"` // logical processors
	Quota  float64 `json:"quota,omitempty"` // processors that the control group leaves to the process; 0 without a quota
	Memory int64   `json:"memory_bytes,omitempty"`
	System string  `json:"system,omitempty"` // such as linux/amd64
	Kernel string  `json:"kernel,omitempty"` // its version
}
