package prometheus

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// gpus answers for two devices of NVIDIA, one of which has no counter of energy, and for one device of AMD.
func gpus(values map[string]float64) func(string) string {
	return func(q string) string {
		if strings.HasPrefix(q, "count(last_over_time") {
			return answered("1")
		}
		var list []string
		add := func(key, labels string) {
			if v, there := values[key]; there {
				list = append(list, fmt.Sprintf(`{"metric":{%s},"value":[1,"%v"]}`, labels, v))
			}
		}
		for name := range values {
			metric, device, _ := strings.Cut(name, " ")
			if !strings.Contains(q, metric+"{") {
				continue
			}
			switch device {
			case "A":
				add(name, `"UUID":"GPU-A","gpu":"0","Hostname":"h1","modelName":"H100"`)
			case "B":
				add(name, `"UUID":"GPU-B","gpu":"1","instance":"h2:9400"`)
			case "C":
				add(name, `"serial_number":"SN","gpu_id":"0","hostname":"h3","card_model":"MI300X"`)
			}
		}
		slices.Sort(list)
		return fmt.Sprintf(vector, strings.Join(list, ","))
	}
}

func TestAccelerators(t *testing.T) {
	t.Parallel()
	f := newFake(t, gpus(map[string]float64{
		"DCGM_FI_DEV_GPU_UTIL A": 80, "DCGM_FI_DEV_GPU_UTIL B": 40, "DCGM_FI_DEV_FB_USED A": 100,
		"DCGM_FI_DEV_FB_FREE A": 28, "DCGM_FI_DEV_POWER_USAGE A": 500,
		"DCGM_FI_DEV_POWER_USAGE B": 300, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION A": 29e6,
		"DCGM_FI_DEV_GPU_TEMP A": math.NaN(), "DCGM_FI_DEV_SM_CLOCK A": 1980,
		"gpu_gfx_activity C": 60, "gpu_package_power C": 700, "gpu_power_usage C": 1, "gpu_energy_consumed C": 40e9,
		"gpu_total_vram C": 2, "gpu_used_vram C": 1,
	}))
	s := both
	s.Stages = false
	files, messages := collect(t, open(t, Source{URL: f.URL}), s, aRun())
	holds(t, files[0].Document)
	a := files[0].Additions.Accelerators
	if a == nil || len(a.Devices) != 3 {
		t.Fatalf("got %+v, want 3 devices", a)
	}
	nvidia, other, amd := a.Devices[0], a.Devices[1], a.Devices[2]
	for _, tt := range []struct {
		what      string
		got, want float64
	}{
		{"utilization", *nvidia.mean("utilization"), 0.8},
		{"memory used + free", *nvidia.mean("memory_total_bytes"), 128 << 20},
		{"clock", *nvidia.mean("sm_clock_hertz"), 1.98e9},
		{"energy of the counter", *nvidia.Energy, 29e3},
		{"energy of power", *other.Energy, 300 * 60},
		{"energy in µJ", *amd.Energy, 40e3},
		{"the first power", *amd.mean("power_watts"), 700},
		{"mean utilization", *a.Total.Utilization, 0.6},
		{"all energy", *a.Total.Energy, 29e3 + 18e3 + 40e3},
		{"all power", *a.Total.Power, 1500},
		{"tokens per joule", *a.Total.TokensPerJoule, 50 / 87e3},
	} {
		if math.Abs(tt.got-tt.want) > 1e-9*tt.want {
			t.Errorf("%s: got %v, want %v", tt.what, tt.got, tt.want)
		}
	}
	if nvidia.EnergySource != "counter" || other.EnergySource != "power" || other.Host != "h2:9400" ||
		amd.Model != "MI300X" {
		t.Errorf("got %+v", a.Devices)
	}
	if _, there := nvidia.Figures["temperature_celsius"]; there {
		t.Error("a temperature of NaN is a figure")
	}
	if !slices.ContainsFunc(messages, func(line string) bool {
		return strings.Contains(line, "the accelerators are all that Prometheus knows (3)")
	}) {
		t.Errorf("got messages %q", messages)
	}
}

func TestAcceleratorQueries(t *testing.T) {
	t.Parallel()
	w := window{start: time.Unix(0, 0), end: time.Unix(30, 0), settled: time.Unix(47, 0), step: time.Second}
	got := map[string]string{}
	for _, q := range aboutAccelerators([]string{"cluster='c'"}, w) {
		got[q.name+q.only+" "+q.statistic] = q.text
	}
	for name, want := range map[string]string{
		"DCGM_FI_DEV_POWER_USAGE mean": "avg by (UUID, GPU_I_ID, gpu, Hostname, modelName, " +
			"instance) (avg_over_time(DCGM_FI_DEV_POWER_USAGE{cluster='c'}[30000ms]))",
		"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION total": "max by (UUID, GPU_I_ID, gpu, Hostname, modelName, " +
			"instance) (increase(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{cluster='c'}[30000ms]))",
		"gpu_clockclock_type='GPU_CLOCK_TYPE_MEMORY' max": "max by (serial_number, gpu_partition_id, gpu_id, " +
			"hostname, card_model, instance) " +
			"(max_over_time(gpu_clock{clock_type='GPU_CLOCK_TYPE_MEMORY',cluster='c'}[30000ms]))",
	} {
		if got[name] != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got[name], want)
		}
	}
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	figures := map[string]Figure{
		"requests_total": {Value: new(12.0)}, "output_tokens_total": {Value: new(50.0)},
		"time_to_first_token_mean": {Value: new(0.45)}, "request_latency_mean": {Value: new(4.0)},
		"prompt_tokens_total": {Value: new(90.0)},
	}
	own := aRun().Client
	for i, want := range []string{
		"the server finished more than was sent", "the server counts fewer", "equal",
		"0.05 s lie outside of what the server measures", "the server's figure is not known",
		"the server's mean is above ours", "the server's figure is not known",
	} {
		if got := reconcile(figures, own)[i]; !strings.HasPrefix(got.Explanation, want) ||
			(got.Difference == nil) != (got.Server == nil || got.Client == nil) {
			t.Errorf("%s: got %+v, want %q", got.Figure, got, want)
		}
	}
	figures["request_latency_median"] = Figure{Value: new(1.0)}
	if got := reconcile(figures, own)[6]; got.Explanation != "no request of ours has the figure" {
		t.Errorf("got %+v", got)
	}
}
