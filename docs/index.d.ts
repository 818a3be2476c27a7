/**
 * k6/x/llm: load tests of LLM inference servers with an OpenAI-compatible API.
 *
 * Durations are milliseconds as a number, or a string such as '1.5s' or '2d12h', of at most 1000000h. Unknown options and values of the wrong type throw.
 */
declare module 'k6/x/llm' {
  export type Duration = number | string;

  /** Options of a {@link Client}. */
  export interface ClientOptions {
    /**
     * Base URL. /v1 is added to a bare host ('http://localhost:8000'); any other path is used as it stands ('https://host/api/v3') and
     * may be that of the endpoint ('…/chat/completions', of the client's api). A query is kept. A user and password in it are sent as
     * Basic authentication, unless there is an apiKey or a header Authorization. 'sim:' (the default) or 'sim:?ttft=50ms&itl=10ms'
     * starts the built-in simulator.
     */
    baseURL?: string;
    /** Endpoint that send uses: 'chat' (the default) or 'completion'. */
    api?: 'chat' | 'completion';
    /** Model to ask for, whether the server lists it or not; by default the first that GET /v1/models lists. */
    model?: string;
    /** Ask for a stream of events (default true). Without one there are no TTFT, ITL and TPOT. */
    streaming?: boolean;
    /** Send ignore_eos, so that answers have maxTokens tokens (default true). Set false for servers that refuse the field. */
    ignoreEOS?: boolean;
    /** Longest time a whole request may take (default '300s', 0 for none). */
    timeout?: Duration;
    /** Longest gap between chunks of a stream (default 0: none). */
    idleTimeout?: Duration;
    /** Sent as a bearer token. A header Authorization of headers goes before it. */
    apiKey?: string;
    /** Further HTTP headers. They go before those that the client sends by itself. */
    headers?: Record<string, string>;
    /** Request header that carries the requestID, a UUID (default 'X-Request-Id', '' for none). */
    requestIDHeader?: string;
    /** Field of the body that carries maxTokens (default 'max_tokens'); '' leaves the limit out, and with it ignore_eos. */
    maxTokensField?: 'max_tokens' | 'max_completion_tokens' | string;
    /** Further fields of the request body. A field the body has already is replaced, null takes it out. */
    extraBody?: Record<string, unknown>;
    /** Keep request and response bodies in the records, without the secrets of docs/records.md (default false). */
    text?: boolean;
    /** Bounds that a good request keeps, above 0. A text needs its unit. */
    slo?: { ttft?: Duration; tpot?: Duration; ntpot?: Duration; itl?: Duration; request_latency?: Duration };
    /** Which inter-token latencies become samples of llm_itl: each request's mean ('request', the default), 'all', or none ('off'). */
    itl?: 'request' | 'all' | 'off';
    /**
     * Stop when so many requests in a row failed, or when a share of those that ended within a window did; or by conditions
     * of your own. With our executor requests in flight may end. Under k6's own executors the test is aborted. Exit code 108.
     */
    circuitBreaker?: CircuitBreaker | CircuitBreaker[];
    /**
     * Counts tokens as the model does: a tokenizer.json, a folder that holds one (and the chat template), or a name on the
     * Hugging Face hub such as 'org/model'. By default counts are those of the server's usage.
     */
    tokenizer?: string;
    /** LoRA adapters and their shares of the requests, which add up to 1. Each request asks for one, drawn by the scenario's seed and its place in the run. */
    adapters?: { name: string; split: number }[];
    /**
     * How often a request is sent again when its connection fails before an answer (default 0): refused, reset, closed, name
     * not found. Timeouts, certificates, statuses and broken answers are not tried again. timeout holds for each attempt;
     * latencies count from the first. A request that went out on a kept connection just as the server closed it is sent again
     * at once, whatever this says, and counted.
     */
    retries?: number;
    /** Wait before attempt k of those: retryBackoff × 2^(k−1), times a random factor from 0.5 to 1.5 (default '500ms'). */
    retryBackoff?: Duration;
    /** Certificate in PEM form to show the server, with its intermediates, relative to the script. It goes before those of k6's tlsAuth. */
    certPath?: string;
    /** Its key, not encrypted; for one that is, use k6's tlsAuth. */
    keyPath?: string;
    /** Authorities in PEM form that may have signed the server's certificate, instead of the system's. k6's insecureSkipTLSVerify trusts any. */
    caPath?: string;
    /**
     * Take a request's bounds from these of the headers, before slo, as inference-perf does of streamed answers: a number of
     * the unit (default 'ms'), or 'default' for none. By default x-slo-ttft-<unit> and x-slo-tpot-<unit>.
     */
    sloHeaders?: { unit?: 's' | 'ms' | 'us'; ttft?: string; tpot?: string };
    /** Ask for structured output: any JSON object, or one that fits a schema, an object or its text (default name 'structured_output'). */
    responseFormat?: { type: 'json_object' } | { type?: 'json_schema'; name?: string; jsonSchema: object | string };
    /** Request header to carry the sessionID. */
    sessionHeader?: string;
    /** Response header to send back with later requests of the same sessionID, from whichever VU of the process. */
    sessionTokenHeader?: string;
    /**
     * Read the server's own page of metrics during the run (vLLM, SGLang, TGI, llama.cpp, NVIDIA's exporter), so that the report has
     * its queue, cache use and counts: true or 'auto' for /metrics of the base URL's host, a URL, or a list of them for several
     * replicas. docs/server-page.md says what comes of it.
     */
    serverMetrics?: boolean | 'auto' | string | string[];
    /** How often (default '1s', at least '100ms'). */
    serverMetricsInterval?: Duration;
  }

  /** When a circuit breaker opens: on so many hits in a row, or on a share of the requests that ended within a window. */
  export interface BreakerTrigger {
    consecutive?: number;
    /** Share of hits, 0 to 1. */
    rate?: number;
    /** How far back requests are looked at (default '10s'). */
    window?: Duration;
    /** Fewest requests within the window (default 20). */
    minSamples?: number;
  }

  /** Stops the load. docs/load.md says what expressions see. */
  export interface CircuitBreaker extends BreakerTrigger {
    /** Said when it opens. */
    name?: string;
    /** JMESPath expressions on a request that has ended: it counts if any of them holds (default ['@']: each counts). */
    matches?: string[];
    /** It is a hit if any of these holds. By default each that matches; without matches, each that failed. */
    rules?: string[];
    /** Further triggers; any of them opens it. */
    triggers?: BreakerTrigger[];
    /** What it stops: the whole run (the default), or the stage. */
    stop?: 'run' | 'stage';
  }

  /** A message of a chat; further fields are sent as they are. */
  export interface Message {
    /** 'system', 'user', 'assistant' …: sent as it stands. */
    role: string;
    /** A text, or a list of parts as the server takes them. */
    content: unknown;
    [field: string]: unknown;
  }

  /** What a single request can set. */
  export interface RequestOptions {
    /** Model, instead of the client's. */
    model?: string;
    /** Limit of the output, in tokens (default 30). */
    maxTokens?: number;
    /** Field of the body that carries it, instead of the client's. */
    maxTokensField?: string;
    /** Conversation the request belongs to. */
    sessionID?: string;
    /** Number of the request within its conversation. */
    turn?: number;
    /** Tokens the prompt was made to have, special tokens included; the report says how many differ. */
    promptTokens?: number;
    /** Whether the server adds special tokens around the prompt; by default as it does by itself. */
    addSpecialTokens?: boolean;
    /** Further fields of the body, such as tools, in place of those of {@link ClientOptions.extraBody}. An item of a 'jsonl' data set has those of its record here. */
    extraBody?: Record<string, unknown>;
  }

  /** A request for {@link Client.send}: a chat's messages, or a prompt. */
  export interface Request extends RequestOptions {
    messages?: Message[];
    prompt?: string;
  }

  /** What became of a request. Times are milliseconds, null where undefined. A failed request is a result, not an exception. */
  export interface Result {
    /** The answer's content; what had come of it, if the request failed. *** is in the place of secrets that the server repeats. */
    text: string;
    /**
     * What went wrong, null for a success. Secrets that the server repeats are *** here, too, and characters that would steer a
     * terminal are escapes; the record has those as they were.
     */
    error: string | null;
    /** Kind of failure; docs/records.md explains each. */
    errorType:
      | 'http' | 'timeout' | 'stall' | 'connect' | 'dns' | 'tls' | 'reset' | 'truncated' | 'stream_error' | 'malformed'
      | 'too_large' | 'canceled' | null;
    /** HTTP status, 0 without an answer. */
    status: number;
    /** 'stop', 'length' … as the server says. */
    finishReason: string | null;
    /** Time to the first content. */
    ttft: number | null;
    /** Time per output token after the first. */
    tpot: number | null;
    /** Whole time per output token. */
    ntpot: number | null;
    /** From sending to the end of the answer, or to the failure. */
    latency: number;
    /** Inter-token latencies: one per gap between chunks; with a tokenizer one per gap between tokens. */
    itl: number[];
    /** By the server's usage, else by the client's tokenizer. */
    promptTokens: number | null;
    /** By the client's tokenizer, else by the server's usage, else the number of chunks. */
    completionTokens: number | null;
    /** How much later than due it was sent; null where the due instant is not known. */
    scheduleDelay: number | null;
    /** Within the client's slo; null without one. */
    good: boolean | null;
    /** Attempts beyond the first. */
    retries: number;
    /** A UUID; sent as X-Request-Id, and in the record. */
    requestID: string;
    /** Model or adapter that was asked for. */
    model: string;
  }

  /** Sends requests to one server. Each VU has one connection, kept alive. */
  export class Client {
    constructor(options?: ClientOptions);
    /** Sends a request to the endpoint of the client's api and waits for its end. */
    send(request: Request): Result;
    sendAsync(request: Request): Promise<Result>;
    /** Sends a chat; a string is a single user message. */
    chat(messages: Message[] | string, options?: RequestOptions): Result;
    chatAsync(messages: Message[] | string, options?: RequestOptions): Promise<Result>;
    /** Sends a completion. */
    complete(prompt: string, options?: RequestOptions): Result;
    completeAsync(prompt: string, options?: RequestOptions): Promise<Result>;
  }

  /**
   * A length in tokens: a number, or a distribution. By default type 'normal', mean 512, stdDev 200, min 10, max 1024.
   * docs/datasets.md has the formulas.
   */
  export type Length = number | Distribution;

  /** What numbers are drawn from. */
  export interface Distribution {
    type?: 'normal' | 'skew_normal' | 'lognormal' | 'uniform' | 'poisson' | 'fixed';
    mean?: number;
    stdDev?: number;
    /** Of 'skew_normal': 0 is normal, above 0 has its long tail to the right. */
    skew?: number;
    /** What is drawn is brought within min and max. */
    min?: number;
    max?: number;
  }

  /** Options of a {@link Dataset}. */
  export interface DatasetOptions {
    /**
     * From files: 'shareGPT', 'billsum_conversations', 'infinity_instruct' (conversations), 'cnn_dailymail' (articles),
     * 'jsonl' (prompts, or messages as they stand, with tools and parameters). Made up: 'random', 'synthetic', 'shared_prefix', of exact lengths; 'conversation_replay',
     * of several turns; 'mock', tiny.
     */
    type:
      | 'shareGPT' | 'billsum_conversations' | 'infinity_instruct' | 'cnn_dailymail' | 'jsonl'
      | 'random' | 'synthetic' | 'shared_prefix' | 'conversation_replay' | 'mock';
    /** A file or folder, relative to the script, or a data set on the Hugging Face hub such as 'org/name'. */
    path?: string;
    /** Which files of a folder or of the hub, such as 'train-*.parquet'. */
    files?: string;
    /** What items are to be: chats (the default) or completions. */
    api?: 'chat' | 'completion';
    /** Shuffles a file's items, the same seed always the same way; without one they come in the file's order. Of made-up prompts, which they are (default 0, of 'conversation_replay' 42). */
    seed?: number;
    /** Measures the answers in a file, to which maxTokens is set, and made-up prompts, which need it; see {@link ClientOptions.tokenizer}. By default answers are estimated. */
    tokenizer?: string;
    /** Tokens of made-up prompts, special tokens included; of files, those to keep (min to max). */
    inputDistribution?: Length;
    /** Tokens of answers; of files, those to keep. */
    outputDistribution?: Length;
    /** Text that 'synthetic' prompts are pieces of, instead of the built-in one. */
    corpusFilePath?: string;
    /**
     * Of 'random': a CSV file with the columns ContextTokens and GeneratedTokens, as Azure's traces, or input_tokens and
     * output_tokens and the like; item k has the lengths of its line k, in place of the distributions.
     */
    trace?: string;
    /**
     * Of 'random', as completions: write each prompt as the model's chat template writes a message of the user. Its length
     * counts the template, and the server is asked to add no special tokens.
     */
    useChatTemplate?: boolean;
    /**
     * Makes the prompts of a run differ from those of earlier ones, so that a server's prefix cache does not know them. By
     * default the run's id ('random', 'synthetic') or nothing ('shared_prefix'). false: the same prompts in each run.
     */
    salt?: string | false;
    /**
     * Of 'random', 'synthetic' and 'shared_prefix', as single completions: 'inference-perf' makes them as inference-perf 0.7.0
     * does, of decoded ids and of lengths by its formulas, the same in each run unless a salt is given (default 'own').
     */
    prompts?: 'own' | 'inference-perf';
    /** Of 'shared_prefix': 10 system prompts of 100 tokens, with 10 questions of 50 tokens each and answers of 50. */
    sharedPrefix?: {
      numUniqueSystemPrompts?: number;
      numUsersPerSystemPrompt?: number;
      systemPromptLen?: Length;
      questionLen?: Length;
      outputLen?: Length;
      /** Each user asks several questions, see turns. */
      enableMultiTurnChat?: boolean;
    };
    /** Of 'conversation_replay'; by default 200 conversations of 10 turns behind a system prompt of 8359 tokens. */
    conversationReplay?: {
      numConversations?: number;
      sharedSystemPromptLen?: number;
      dynamicSystemPromptLen?: Length;
      turnsPerConversation?: Length;
      inputTokensPerTurn?: Length;
      outputTokensPerTurn?: Length;
      /** Seconds between an answer and the next turn. */
      toolCallLatencySec?: number | Distribution;
      /** Longer prompts, answer included, lose their oldest turns, then the system prompt's end, then the turn's (default 225000). */
      maxModelLen?: number;
    };
    /**
     * Whole conversations: each turn carries what was said before, with the server's own answers, and is asked when the one
     * before it is answered. 'all' turns of a file's; a number (default 5) of shared_prefix with enableMultiTurnChat.
     */
    turns?: 'all' | number;
    /** Conversations open at once, over all instances (default: as many as there are, up to 1000). */
    sessions?: number;
  }

  /** Prompts. Make it in the init context; all VUs share one copy of a file. */
  export class Dataset {
    constructor(options: DatasetOptions);
    /**
     * The item of the running iteration, once per iteration. Of conversations: the next turn of the one idle longest; if none
     * is idle it waits. Send it with the client: its answer goes into the next turn.
     * Of others: each arrival of the test has its own, over all instances.
     */
    next(): Request;
    /** Item number i, from 0. */
    at(i: number): Request;
    /** Number of distinct items, null if there is no end of them, or it has not been seen yet. */
    readonly length: number | null;
  }

  /**
   * A model's tokenizer. Its ids are exactly those of Hugging Face's tokenizers library. Make it in the init context; all VUs
   * share one copy.
   */
  export class Tokenizer {
    /** A tokenizer.json, a folder that holds one, or a name on the Hugging Face hub such as 'org/model'. */
    constructor(path: string);
    /** Number of tokens of a text, without special tokens around it. */
    count(text: string): number;
    /** Ids of a text, without special tokens around it. */
    encode(text: string): number[];
    /** Text of ids; special tokens are written. */
    decode(ids: number[]): string;
  }

  /** A stage of a load: a constant rate, a ramp to a target rate, or so many requests by so many at a time. */
  export interface Stage {
    /** Requests per second; fractions are fine. */
    rate?: number;
    /** Requests per second at the end of a ramp, which begins where the stage before ended. */
    target?: number;
    /** A text needs its unit. */
    duration?: Duration;
    /** So many requests in all, instead of a rate. */
    requests?: number;
    /** So many of them at a time. */
    concurrency?: number;
    /** Reach the concurrency evenly over this time instead of at once; needs our executor. */
    rampUp?: Duration;
  }

  /** Options of {@link scenarios}. */
  export interface LoadOptions {
    stages?: Stage[];
    /** Arrival process: evenly spaced (the default), exponential gaps, gamma gaps, inference-perf's normalised gaps, or its draws by the second, or given instants. */
    arrival?: 'constant' | 'poisson' | 'gamma' | 'inference-perf' | 'inference-perf-poisson' | 'trace';
    /** Shape of gamma gaps: 1 is Poisson, below 1 bunches arrivals, above 1 spreads them. */
    burstiness?: number;
    /** Instants in seconds after the start, of arrival 'trace'; it takes no stages. */
    trace?: number[];
    /** k6's own (the default for constant arrivals), or ours (the default for everything else), which knows when each request was due. */
    executor?: 'ramping-arrival-rate' | 'llm-arrival-rate';
    /** Wait for requests in flight before the next stage, at most gracefulStop (default true with our executor, false under an execution segment). k6's own cannot. */
    drain?: boolean;
    /** Pause between stages (default 0). */
    interval?: Duration;
    /** Seed of random arrivals and of adapters: the same seed gives the same schedule, on every machine (default 0). */
    seed?: number;
    /** How long requests in flight may go on after their stage (default '120s'); then they are cut and recorded as canceled. */
    gracefulStop?: Duration;
    /** How long a request takes, to know how many VUs a rate needs (default '10s'). */
    expectedLatency?: Duration;
    /** When the load begins, after the start of the test (default 0). */
    startTime?: Duration;
    /** Longest time for a stage of {requests, concurrency} (default '24h'). */
    maxDuration?: Duration;
    /** VUs per stage, instead of rate × expectedLatency, at most one for each arrival. */
    preAllocatedVUs?: number;
    /** Most VUs per stage, instead of ten times that, at most one for each arrival. */
    maxVUs?: number;
    /** Name of the exported function to run, environment and tags, as of any scenario of k6. */
    exec?: string;
    env?: Record<string, string>;
    tags?: Record<string, string>;
  }

  /** Makes k6 scenarios of stages: stage_0, stage_1 … under k6's own executors, a single one, load, under ours. */
  export function scenarios(options: LoadOptions): Record<string, object>;

  /**
   * The load for hosts that refuse our executor: scenarios over k6's shared-iterations, and wait(), to be called first in
   * each iteration, which holds it until its arrival is due and gives how late it is in milliseconds. An arrival that finds no
   * VU goes late instead of being dropped.
   */
  export function pace(load: LoadOptions): { scenarios: Record<string, object>; wait(): number };

  /**
   * Instants of a trace, in seconds after its first: a CSV file with a column TIMESTAMP, arrival_time or the like, as Azure's
   * published traces, or without a head line, the first column: times, seconds, or epochs in s, ms, µs or ns.
   * scenarios({ arrival: 'trace', trace: trace('azure.csv') })
   */
  export function trace(path: string): number[];

  /**
   * An inference-perf configuration, a YAML file's path or an object, as options of Client, Dataset and scenarios(). Unknown keys
   * throw an error that names them; docs/config.md says what becomes of each key. Paths in it are relative to the working directory.
   */
  export function config(source: string | object): {
    client: ClientOptions;
    dataset: DatasetOptions;
    scenarios: Record<string, object>;
    report: { percentiles: number[]; perRequest: boolean; useServerOutputTokens: boolean };
  };

  /** A short text summary: export function handleSummary(data) { return summary(data); } */
  export function summary(data: object): { stdout: string };

  /** Version of this extension. */
  export const version: string;
}
