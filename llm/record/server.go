package record

// Names of the figures in a Server line's values. Of a page with several series (models, ranks, devices) requests,
// tokens, power, memory and energy are added up, shares and clocks are averaged, and the temperature is the highest.
const (
	ServerRunning            = "running"              // requests being worked on
	ServerWaiting            = "waiting"              // requests in the queue
	ServerKVCacheUsage       = "kv_cache_usage"       // 0 to 1
	ServerPreemptions        = "preemptions"          // since the server's start, as are those that follow
	ServerRequests           = "requests"             // answered to their end
	ServerPromptTokens       = "prompt_tokens"        // worked through, or of those requests, as the engine counts
	ServerGenerationTokens   = "generation_tokens"    // generated
	ServerPrefixCacheQueries = "prefix_cache_queries" // tokens looked up
	ServerPrefixCacheHits    = "prefix_cache_hits"    // tokens found
	ServerTTFTSum            = "ttft_seconds_sum"     // over ServerTTFTCount requests
	ServerTTFTCount          = "ttft_count"
	// Unix time of the server's start, of several processes the latest
	ServerProcessStart = "process_start_seconds"

	ServerGPUs           = "gpus"            // devices on the page
	ServerGPUUtilization = "gpu_utilization" // 0 to 1
	ServerGPUMemory      = "gpu_memory_used_bytes"
	ServerGPUPower       = "gpu_power_watts"
	ServerGPUEnergy      = "gpu_energy_joules" // since the driver was loaded
	ServerGPUTemperature = "gpu_temperature_celsius"
	ServerGPUClock       = "gpu_sm_clock_mhz"
)
