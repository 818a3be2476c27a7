package e2e

import (
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
