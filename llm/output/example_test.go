package output_test

import (
	"log"

	"github.com/sirupsen/logrus"
	k6output "go.k6.io/k6/v2/output"

	"github.com/seed-307b789f/xk6-llm/llm/output"
)

// A program that embeds k6 registers the output under a name of its choice.
func ExampleNew() {
	k6output.RegisterExtension("records", output.New)

	out, err := output.New(k6output.Params{ConfigArgument: "results/run.jsonl", Logger: logrus.New()})
	if err != nil {
		log.Fatal(err)
	}
	log.Print(out.Description())
}
