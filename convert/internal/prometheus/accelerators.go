package prometheus

import (
	"fmt"
	"math"
	"strings"
)

// Vendor is the maker of an accelerator.
type Vendor string

// The vendors whose exporters are supported.
const (
	NVIDIA Vendor = "nvidia" // DCGM exporter
	AMD    Vendor = "amd"    // device metrics exporter
)

// acceleratorMetric is a metric of an exporter and the factor from its unit to the unit of the report. If several
// metrics hold the same figure, the first one that a device has is used.
type acceleratorMetric struct {
	vendor  Vendor
	figure  string
	name    string
	only    string // matcher that chooses one of its series
	unit    float64
	counter bool
}

const mebi = 1 << 20

// acceleratorMetrics lists the metrics of https://github.com/NVIDIA/dcgm-exporter and
// https://github.com/ROCm/device-metrics-exporter.
var acceleratorMetrics = []acceleratorMetric{
	{NVIDIA, "utilization", "DCGM_FI_DEV_GPU_UTIL", "", 0.01, false},
	{NVIDIA, "engine_active", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "", 1, false},
	{NVIDIA, "tensor_active", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "", 1, false},
	{NVIDIA, "memory_interface_active", "DCGM_FI_PROF_DRAM_ACTIVE", "", 1, false},
	{NVIDIA, "memory_used_bytes", "DCGM_FI_DEV_FB_USED", "", mebi, false},
	{NVIDIA, "memory_free_bytes", "DCGM_FI_DEV_FB_FREE", "", mebi, false},
	{NVIDIA, "memory_total_bytes", "DCGM_FI_DEV_FB_TOTAL", "", mebi, false},
	{NVIDIA, "power_watts", "DCGM_FI_DEV_POWER_USAGE", "", 1, false},
	{NVIDIA, "energy_joules", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "", 1e-3, true},
	{NVIDIA, "temperature_celsius", "DCGM_FI_DEV_GPU_TEMP", "", 1, false},
	{NVIDIA, "memory_temperature_celsius", "DCGM_FI_DEV_MEMORY_TEMP", "", 1, false},
	{NVIDIA, "sm_clock_hertz", "DCGM_FI_DEV_SM_CLOCK", "", 1e6, false},
	{NVIDIA, "memory_clock_hertz", "DCGM_FI_DEV_MEM_CLOCK", "", 1e6, false},
	{AMD, "utilization", "gpu_gfx_activity", "", 0.01, false},
	{AMD, "memory_interface_active", "gpu_umc_activity", "", 0.01, false},
	{AMD, "memory_used_bytes", "gpu_used_vram", "", mebi, false},
	{AMD, "memory_free_bytes", "gpu_free_vram", "", mebi, false},
	{AMD, "memory_total_bytes", "gpu_total_vram", "", mebi, false},
	{AMD, "power_watts", "gpu_package_power", "", 1, false},
	{AMD, "power_watts", "gpu_average_package_power", "", 1, false},
	{AMD, "power_watts", "gpu_power_usage", "", 1, false},
	{AMD, "energy_joules", "gpu_energy_consumed", "", 1e-6, true},
	{AMD, "temperature_celsius", "gpu_junction_temperature", "", 1, false},
	{AMD, "temperature_celsius", "gpu_edge_temperature", "", 1, false},
	{AMD, "memory_temperature_celsius", "gpu_memory_temperature", "", 1, false},
	{AMD, "sm_clock_hertz", "gpu_clock", "clock_type='GPU_CLOCK_TYPE_SYSTEM'", 1e6, false},
	{AMD, "memory_clock_hertz", "gpu_clock", "clock_type='GPU_CLOCK_TYPE_MEMORY'", 1e6, false},
}

// deviceLabels holds the labels that identify a device of a vendor: the device, its part, its number, its machine and
// its model.
var deviceLabels = map[Vendor][5]string{
	NVIDIA: {"UUID", "GPU_I_ID", "gpu", "Hostname", "modelName"},
	AMD:    {"serial_number", "gpu_partition_id", "gpu_id", "hostname", "card_model"},
}

// acceleratorQuestion is a query about all devices of a vendor.
type acceleratorQuestion struct {
	acceleratorMetric
	statistic string
	question
}

// aboutAccelerators returns the queries about the accelerators in a window. Series that differ in other labels, such as
// the pod that used a device, belong to the same device.
func aboutAccelerators(filters []string, w window) (list []acceleratorQuestion) {
	width := milliseconds(w.end.Sub(w.start))
	for _, m := range acceleratorMetrics {
		labels := deviceLabels[m.vendor]
		by := strings.Join(append(labels[:], "instance"), ", ")
		matchers := strings.Join(append(nonEmpty(m.only), filters...), ",")
		ask := func(statistic, over, function string) {
			text := fmt.Sprintf("%s by (%s) (%s(%s{%s}[%s]))", over, by, function, m.name, matchers, width)
			list = append(list, acceleratorQuestion{m, statistic, question{text, w.end}})
		}
		if m.counter { // energy grows evenly, so the extrapolation of increase is right
			ask("total", "max", "increase")
			continue
		}
		ask("mean", "avg", "avg_over_time")
		ask("max", "max", "max_over_time")
	}
	return list
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// anyAccelerator returns the query whether a vendor has any series in the window.
func anyAccelerator(v Vendor, filters []string, w window) question {
	width := milliseconds(w.end.Sub(w.start))
	var legs []string
	for _, m := range acceleratorMetrics {
		if m.vendor == v && m.only == "" {
			legs = append(legs, fmt.Sprintf("last_over_time(%s{%s}[%s])", m.name, strings.Join(filters, ","), width))
		}
	}
	return question{"count(" + strings.Join(legs, " or ") + ")", w.end}
}

// Accelerators holds the devices that Prometheus knows and the filters admit.
type Accelerators struct {
	Devices []Device          `json:"devices"`
	Total   AcceleratorTotal  `json:"total"`
	Queries map[string]string `json:"queries"` // by vendor, figure and statistic
	Time    float64           `json:"time"`    // of evaluation, unix seconds
}

// Device is one accelerator, or a part of one that is used like a device.
type Device struct {
	Vendor    Vendor           `json:"vendor"`
	ID        string           `json:"id"`        // in the vendor's form
	Partition string           `json:"partition"` // empty for a whole device
	Index     string           `json:"index"`     // the number on its machine
	Host      string           `json:"host"`
	Model     string           `json:"model"`
	Figures   map[string]Level `json:"figures"`
	Energy    *float64         `json:"energy_joules"`
	// EnergySource is counter, or power if the energy is mean power × time.
	EnergySource string `json:"energy_source"`
}

// Level is a figure of a device over the window.
type Level struct {
	Mean   *float64 `json:"mean"`
	Max    *float64 `json:"max"`
	Metric string   `json:"metric"` // the name of the exporter's metric
}

// AcceleratorTotal holds figures over all devices. A figure that no device has is null.
type AcceleratorTotal struct {
	Devices     int      `json:"devices"`
	Utilization *float64 `json:"utilization"`        // mean
	MemoryUsed  *float64 `json:"memory_used_bytes"`  // sum of means
	MemoryTotal *float64 `json:"memory_total_bytes"` // sum
	Power       *float64 `json:"power_watts"`        // sum of means
	Energy      *float64 `json:"energy_joules"`      // sum
	// Tokens is the number of output tokens of the client's successful requests.
	Tokens         float64  `json:"output_tokens"`
	TokensPerJoule *float64 `json:"tokens_per_joule"`
	// Joules per token of prompts and answers together, and per output token, and tokens of both per joule, with
	// intervals; null without energy or tokens.
	PerToken  *Estimate `json:"joules_per_token"`
	PerOutput *Estimate `json:"joules_per_output_token"`
	TokensPer *Estimate `json:"all_tokens_per_joule"`
}

// devices makes the devices from the answers, in the order in which they appear there.
func devices(list []acceleratorQuestion, answers map[question]answer, w window) *Accelerators {
	all := &Accelerators{Devices: []Device{}, Queries: map[string]string{}, Time: seconds(w.end)}
	at := map[string]int{}
	for _, q := range list {
		for _, s := range answers[q.question].samples {
			if math.IsNaN(s.value) || math.IsInf(s.value, 0) {
				continue
			}
			d := newDevice(q.vendor, s.labels)
			key := strings.Join([]string{d.ID, d.Partition, d.Index, d.Host}, "\x00")
			if _, known := at[key]; !known {
				at[key] = len(all.Devices)
				all.Devices = append(all.Devices, d)
			}
			if all.Devices[at[key]].set(q, s.value) {
				all.Queries[fmt.Sprintf("%s.%s.%s", q.vendor, q.figure, q.statistic)] = q.text
			}
		}
	}
	for i := range all.Devices {
		all.Devices[i].finish(w.seconds())
	}
	return all
}

// newDevice returns a device with the identity in its labels. If the labels do not name the machine, the scraped
// address stands for it.
func newDevice(v Vendor, labels map[string]string) Device {
	names := deviceLabels[v]
	d := Device{Vendor: v, ID: labels[names[0]], Partition: labels[names[1]], Index: labels[names[2]],
		Host: labels[names[3]], Model: labels[names[4]], Figures: map[string]Level{}}
	if d.Host == "" {
		d.Host = labels["instance"]
	}
	return d
}

// set stores a value, unless a metric with precedence has set the figure already. It reports whether it did.
func (d *Device) set(q acceleratorQuestion, value float64) bool {
	value *= q.unit
	if q.counter {
		d.Energy, d.EnergySource = &value, "counter"
		return true
	}
	l, there := d.Figures[q.figure]
	if there && l.Metric != q.name {
		return false
	}
	l.Metric = q.name
	if q.statistic == "mean" {
		l.Mean = &value
	} else {
		l.Max = &value
	}
	d.Figures[q.figure] = l
	return true
}

// finish adds figures that follow from others: the memory of a device, and the energy of a device without a counter of
// it.
func (d *Device) finish(seconds float64) {
	used, free := d.mean("memory_used_bytes"), d.mean("memory_free_bytes")
	if d.mean("memory_total_bytes") == nil && used != nil && free != nil {
		sum := new(*used + *free)
		d.Figures["memory_total_bytes"] = Level{sum, sum, "used + free"}
	}
	if power := d.mean("power_watts"); d.Energy == nil && power != nil {
		d.Energy, d.EnergySource = new(*power*seconds), "power"
	}
}

func (d *Device) mean(figure string) *float64 { return d.Figures[figure].Mean }

// add calculates the totals of the devices. Joules cover the whole window, so tokens per joule include idle times.
func (a *Accelerators) add(tokens float64) {
	t := AcceleratorTotal{Devices: len(a.Devices), Tokens: tokens}
	utilization, n := 0.0, 0.0
	for i := range a.Devices {
		d := &a.Devices[i]
		plus(&t.MemoryUsed, d.mean("memory_used_bytes"))
		plus(&t.MemoryTotal, d.mean("memory_total_bytes"))
		plus(&t.Power, d.mean("power_watts"))
		plus(&t.Energy, d.Energy)
		if v := d.mean("utilization"); v != nil {
			utilization, n = utilization+*v, n+1
		}
	}
	if n > 0 {
		t.Utilization = new(utilization / n)
	}
	if t.Energy != nil && *t.Energy > 0 {
		t.TokensPerJoule = new(tokens / *t.Energy)
	}
	a.Total = t
}

func plus(sum **float64, value *float64) {
	switch {
	case value == nil:
	case *sum == nil:
		*sum = new(*value)
	default:
		**sum += *value
	}
}
