/**
 * k6/x/llm: load tests of LLM inference servers with the APIs of OpenAI or Anthropic.
 *
 * Durations are milliseconds as a number, or a string such as '1.5s' or '2d12h', of at most 1000000h. Unknown options and values of the wrong type throw.
 */
declare module 'k6/x/llm' {
  export type Duration = number | string;

  /** Options of a {@link Client}. */
  export interface ClientOptions extends SoundOptions, VisualOptions {
    /**
     * Base URL. /v1 is added to a bare host ('http://localhost:8000'); any other path is used unchanged ('https://host/api/v3') and
     * may be the endpoint itself ('…/chat/completions', matching the client's api). A query is kept. A user and password in the URL are
     * sent as Basic authentication, unless there is an apiKey or a header Authorization. 'sim:' (the default) or
     * 'sim:?ttft=50ms&itl=10ms' starts the built-in simulator, and 'sim:?events=10s stop 5s; 20s slow x2 10s' one to which something
     * happens (docs/simulator.md). A list, or a text with commas between URLs, names several endpoints: balance
     * spreads the requests over them. All get the same options, keys and headers, and are asked for their own model if none is named.
     */
    baseURL?: string | string[];
    /**
     * Which of several endpoints a request goes to: each in turn ('round-robin', the default), one that is drawn for each request
     * ('random'), the same for all requests of a session, others in turn ('session'), or by shares ('weights', the default if there are
     * weights). It follows from the request's place in the run, and is the same on any number of instances.
     */
    balance?: 'round-robin' | 'random' | 'session' | 'weights';
    /** The shares of several endpoints, such as [3, 1], exact in each block of requests. */
    weights?: number[];
    /**
     * A path with an optional query that follows baseURL in place of /v1/chat/completions, such as
     * '/openai/deployments/NAME/chat/completions?api-version=2024-10-21'. If it does not end in the path of the api, or in that of a
     * deployment, name the model: nothing shows where the server lists its models.
     */
    endpoint?: string;
    /**
     * The endpoint that send uses: 'chat' (the default), 'completion', Anthropic's Messages, OpenAI's Responses (whose system prompts,
     * tools and their results are made of a chat's), 'embeddings', or 'rerank', whose answers are not streamed, and have no tokens;
     * 'speech', whose answers are sound, or 'transcription' of sound; 'image', whose answers are pictures, or 'video'.
     */
    api?: 'chat' | 'completion' | 'anthropic_messages' | 'responses' | 'embeddings' | 'rerank' | 'speech' | 'transcription'
      | 'image' | 'video';
    /** The model to ask for, listed by the server or not; by default the first that GET /v1/models lists. */
    model?: string;
    /**
     * Ask for a stream of events (default true; false for 'transcription' and 'image'). Without a stream there are no TTFT, ITL and TPOT. Speech is
     * streamed as bytes of sound, see streamFormat.
     */
    streaming?: boolean;
    /**
     * Send ignore_eos, so that answers have maxTokens tokens (default true). Set it to false for servers that refuse the field.
     * 'anthropic_messages' has no such field.
     */
    ignoreEOS?: boolean;
    /** The longest time that a whole request may take (default '300s'; 0 means no limit). */
    timeout?: Duration;
    /** The longest gap between chunks of a stream (default 0: no limit). */
    idleTimeout?: Duration;
    /**
     * Sent as a bearer token; as x-api-key to 'anthropic_messages'. A header of the same name in headers takes precedence.
     */
    apiKey?: string;
    /**
     * The header that carries apiKey as it is, without Bearer, such as 'api-key' of Azure (default: the header that the api wants). It
     * leaves Authorization to the user of baseURL or to headers, which must not have the header itself.
     */
    apiKeyHeader?: string;
    /** Further HTTP headers. They take precedence over those that the client sends by itself. */
    headers?: Record<string, string>;
    /** The request header that carries the requestID, a UUID (default 'X-Request-Id'; '' sends none). */
    requestIDHeader?: string;
    /** The field of the body that carries maxTokens (default 'max_tokens', of 'responses' max_output_tokens); '' leaves out the limit and ignore_eos. */
    maxTokensField?: 'max_tokens' | 'max_completion_tokens' | string;
    /** For 'embeddings': the numbers of each vector (default: the model's). */
    dimensions?: number;
    /** For 'embeddings': the form of the vectors (default: the server's). Either is read. */
    encodingFormat?: 'float' | 'base64';
    /** For 'rerank': how many scores to return, the best ones (default 0: all). */
    topN?: number;
    /** For 'rerank': the field of the body with the query (default 'query'). */
    queryField?: string;
    /** For 'rerank': the field of the body with the documents (default 'documents'; 'texts' of TEI, whose endpoint is '/rerank'). */
    documentsField?: string;
    /** Further fields of the request body. They replace fields that the body has; null removes a field. */
    extraBody?: Record<string, unknown>;
    /** Keep request and response bodies in the records, without the secrets of docs/records.md (default false). */
    text?: boolean;
    /**
     * Bounds that a good request keeps, above 0. A text needs a unit. request_latency is written as inference-perf writes it. first_audio is
     * of speech, rtf of speech and transcriptions: latency / seconds of sound. A request is judged by the bounds that its API can have.
     */
    slo?: { ttft?: Duration; tpot?: Duration; ntpot?: Duration; itl?: Duration; request_latency?: Duration; first_audio?: Duration; rtf?: number };
    /** The inter-token latencies that become samples of llm_itl: the mean of each request ('request', the default), 'all', or none ('off'). */
    itl?: 'request' | 'all' | 'off';
    /**
     * Stops the load when that many requests in a row failed, or when that share of the requests that ended within a window failed; or
     * by conditions of your own. Under llm-arrival-rate requests in flight may end; under k6's own executors the test is aborted at once.
     * The exit code is 108.
     */
    circuitBreaker?: CircuitBreaker | CircuitBreaker[];
    /**
     * Counts tokens as the model does: a tokenizer.json, a folder that holds one (and the chat template), or a name on the
     * Hugging Face hub such as 'org/model'. By default the counts come from the server's usage.
     */
    tokenizer?: string;
    /** Names the class of users that the client's requests belong to. A label of a request, or of a part of a mix, goes before it. */
    label?: string;
    /** What requests with a label have beside the client's options, which they replace. */
    classes?: Record<string, UserClass>;
    /** Sent in priorityField and priorityHeader. vLLM serves the lowest first, SGLang the highest. */
    priority?: number;
    /** The field of the body that carries a priority (default 'priority'; '' leaves it out). 'messages' and the APIs of media have no such field. */
    priorityField?: string;
    /** The header that carries a priority (default 'X-Priority'; '' leaves it out). */
    priorityHeader?: string;
    /** Users who leave before their answers are over. */
    cancel?: Cancel;
    /**
     * LoRA adapters and their shares of the requests, which add up to 1. Each request asks for one adapter; the scenario's seed and the
     * request's position in the run decide which.
     */
    adapters?: { name: string; split: number }[];
    /**
     * How often a request is sent again when its connection fails before an answer (default 0): refused, reset, closed, name not found.
     * Timeouts, certificates, statuses and broken answers are not retried. timeout applies to each attempt; latencies count from the
     * first attempt. A request that met a kept connection which the server had just closed is always sent again at once, and counted.
     */
    retries?: number;
    /** The wait before retry k: retryBackoff × 2^(k−1), times a random factor from 0.5 to 1.5 (default '500ms'). */
    retryBackoff?: Duration;
    /** The client certificate in PEM form with its intermediates, relative to the script. It takes precedence over those of k6's tlsAuth. */
    certPath?: string;
    /** The key of certPath, not encrypted; for an encrypted key use k6's tlsAuth. */
    keyPath?: string;
    /** Authorities in PEM form that may have signed the server's certificate, instead of the system's. k6's insecureSkipTLSVerify accepts any certificate. */
    caPath?: string;
    /**
     * Take the bounds of a request from these request headers instead of slo, as inference-perf does for streamed answers. A value is a
     * number in the unit (default 'ms'), or 'default' for no bound. The default names are x-slo-ttft-<unit> and x-slo-tpot-<unit>.
     */
    sloHeaders?: { unit?: 's' | 'ms' | 'us'; ttft?: string; tpot?: string };
    /**
     * Ask for structured output: any JSON object, or one that fits a schema, which is an object or its text (default name
     * 'structured_output'). For 'image', how pictures come: 'b64_json', within the answer (the default, except for OpenAI's own newer
     * models, which refuse the field), or 'url', their addresses alone, which are not fetched.
     */
    responseFormat?: 'b64_json' | 'url' | { type: 'json_object' } | { type?: 'json_schema'; name?: string; jsonSchema: object | string };
    /**
     * For 'responses': in a conversation, send only what is new after an answer that the server completed, by previous_response_id
     * (default false: each turn sends all of it).
     */
    chainResponses?: boolean;
    /** The request header that carries the sessionID. */
    sessionHeader?: string;
    /** A response header to send back with later requests of the same sessionID, from any VU of the process. */
    sessionTokenHeader?: string;
    /**
     * The time between two questions for a video, such as '100ms'. By default a hundredth of the time since the request was sent, at least
     * 50 ms and at most 1 s, so that latency is known to about 1 %: {@link Result.pollBound} has the bound.
     */
    pollInterval?: Duration;
    /** The largest event or whole answer that is read, in bytes (default 16 MiB; 256 MiB for 'image' and 'video'). */
    answerLimit?: number;
    /**
     * Read the server's own page of metrics during the run (vLLM, SGLang, TGI, llama.cpp, NVIDIA's exporter), so that the report has
     * its queue, cache use and counts. true or 'auto' reads /metrics of the base URL's host; a URL, or a list of URLs for several
     * replicas, reads those. docs/server-page.md describes the figures.
     */
    serverMetrics?: boolean | 'auto' | string | string[];
    /** How often the page is read (default '1s', at least '100ms'). */
    serverMetricsInterval?: Duration;
  }

  /** When a circuit breaker opens: after that many hits in a row, or at that share of the requests that ended within a window. */
  export interface BreakerTrigger {
    consecutive?: number;
    /** Share of hits, 0 to 1. */
    rate?: number;
    /** The length of the window (default '10s'). */
    window?: Duration;
    /** The least number of requests within the window (default 20). */
    minSamples?: number;
  }

  /** Stops the load. docs/load.md describes what expressions see. */
  export interface CircuitBreaker extends BreakerTrigger {
    /** The name that the message has when the breaker opens. */
    name?: string;
    /** JMESPath expressions on a request that has ended: it counts if any of them holds (default ['@']: each counts). */
    matches?: string[];
    /** A counted request is a hit if any of these holds. By default each that matches is a hit; without matches, each that failed. */
    rules?: string[];
    /** Further triggers; any of them opens the breaker. */
    triggers?: BreakerTrigger[];
    /** What the breaker stops: the whole run (the default), or the stage. */
    stop?: 'run' | 'stage';
  }

  /** A message of a chat; further fields are sent unchanged. */
  export interface Message {
    /** 'system', 'user', 'assistant' …: sent unchanged. */
    role: string;
    /** A text, or a list of parts in the form that the server accepts. */
    content: unknown;
    [field: string]: unknown;
  }

  /** Options of a single request. */
  export interface RequestOptions extends SoundOptions, VisualOptions, UserClass {
    /** Names the class of users that the request belongs to. */
    label?: string;
    /** The limit of the output, in tokens (default 30). */
    maxTokens?: number;
    /** The field of the body that carries maxTokens, instead of the client's. */
    maxTokensField?: string;
    /** The conversation that the request belongs to. */
    sessionID?: string;
    /** The number of the request within its conversation. */
    turn?: number;
    /** The tokens that the prompt was made to have, special tokens included; the report says for how many requests the server counted a different number. */
    promptTokens?: number;
    /** Whether the server adds special tokens around the prompt; by default the server decides. */
    addSpecialTokens?: boolean;
    /**
     * Further fields of the body, such as tools. They replace those of {@link ClientOptions.extraBody}. An item of a 'prompts' data set has
     * the fields of its record here.
     */
    extraBody?: Record<string, unknown>;
    /**
     * Makes the user leave when it is aborted: the error type of the result is 'abandoned'. If it is aborted before the request is sent,
     * nothing is sent, and the call throws an AbortError. Only an Async method can hear it later, because the others stop the script.
     */
    signal?: Signal;
  }

  /**
   * An AbortSignal, or an object that behaves like one, because k6 has none. removeEventListener is called when the request has ended, if
   * there is such a method.
   */
  export interface Signal {
    readonly aborted: boolean;
    addEventListener(type: 'abort', listener: () => void): void;
    removeEventListener?(type: 'abort', listener: () => void): void;
  }

  /** What a class of users has, or a request says, instead of the client's options. */
  export interface UserClass {
    /** The model to ask for. */
    model?: string;
    /** The bounds by which requests are judged. */
    slo?: ClientOptions['slo'];
    /** Sent in the client's priorityField and priorityHeader. */
    priority?: number;
    /** Headers of the requests, beside those of the client. */
    headers?: Record<string, string>;
    /** Users who leave before their answers are over. */
    cancel?: Cancel;
  }

  /** Users who leave. The connection of such a request is closed, or its stream of HTTP/2 reset, and it counts neither as a success nor as a failure. */
  export interface Cancel {
    /**
     * The share of the requests, above 0 and at most 1; only a request need not name it, for which it is 1. Which ones follows from their
     * numbers and the seed. Nobody leaves in a warm-up.
     */
    share?: number;
    /** When they leave: so long after the request was sent; as soon as it is sent whole; or 100 ms after it was sent, if no output has come. */
    after?: Duration | 'queued' | 'prompt-sent';
    /** After how many pieces of output they leave, instead of a time: tokens, where the server sends each by itself. */
    tokens?: number;
    /** The seed of the draw (default: the scenario's). */
    seed?: number;
  }

  /** Options of speech and of transcriptions, of a client or of one request. */
  export interface SoundOptions {
    /** For 'speech': who speaks (default 'alloy'). */
    voice?: string;
    /**
     * The format of the answer. For 'speech': 'pcm' (the default of streams), 'wav', 'mp3', 'opus', 'flac' or 'aac'; for 'transcription':
     * 'json', 'text', 'verbose_json', 'srt' or 'vtt'. Otherwise the server chooses.
     */
    format?: string;
    /** For 'speech' that is streamed: the bytes of the sound ('audio', the default), or events with pieces of it ('sse'). */
    streamFormat?: 'audio' | 'sse';
    /** For 'speech': the samples a second of 'pcm', which does not tell them (default 24000). It is not sent. */
    sampleRate?: number;
    /** For 'speech': how fast to speak (default: the server's 1). */
    speed?: number;
    /** For 'speech': how to speak. */
    instructions?: string;
    /** The language of the sound, or of the text, such as 'en'. */
    language?: string;
  }

  /** Options of pictures and of videos, of a client or of one request. What is left out the server chooses. */
  export interface VisualOptions {
    /** The width and the height in pixels, such as '1024x1024', or 'auto'. */
    size?: string;
    /** For 'image': how many pictures (default 1). An answer with more or fewer is a failure. */
    n?: number;
    /** For 'image': such as 'low' or 'hd'. */
    quality?: string;
    /** For 'image': the format of the files, 'png', 'jpeg' or 'webp'. */
    outputFormat?: 'png' | 'jpeg' | 'webp' | string;
    /** For 'image' that is streamed: how many unfinished pictures come before each one (default 0). */
    partialImages?: number;
    /** For 'video': how long it plays. */
    seconds?: number;
    /** For 'video': frames a second; an extension of vLLM-Omni and SGLang. */
    fps?: number;
  }

  /** A picture: its bytes as open(path, 'b') returns them, or with a name, as http.file returns it. */
  export type PictureFile = ArrayBuffer | { data: ArrayBuffer; name?: string; type?: string };

  /** A picture or a video of an answer. What is unknown of it is 0 or null. */
  export interface AnswerMedia {
    kind: 'image' | 'video';
    /** 'png', 'jpeg', 'webp', 'mp4' … */
    format: string | null;
    width: number;
    height: number;
    /** Of a video. */
    frames: number;
    /** How long a video plays. */
    seconds: number;
    /** Of the file; 0 if only its address came. */
    bytes: number;
  }

  /** A file of sound: its bytes as open(path, 'b') returns them, or with a name, as http.file and a {@link Dataset} return it. */
  export type SoundFile = ArrayBuffer | { data: ArrayBuffer; name?: string; type?: string };

  /**
   * A request for {@link Client.send}: a chat's messages, or a prompt; texts to embed; a query and documents to rank; a prompt to speak, or
   * to make pictures or a video of, with pictures to edit or to begin with; or a file of sound to write down, with a prompt for the model.
   */
  export interface Request extends RequestOptions {
    messages?: Message[];
    prompt?: string;
    input?: string | string[];
    query?: string;
    documents?: string[];
    file?: SoundFile;
    /** For 'image': pictures to edit. For 'video': the picture to begin with. */
    image?: PictureFile | PictureFile[];
  }

  /** The outcome of a request. Times are milliseconds, null if undefined. A failed request is a result, not an exception. */
  export interface Result {
    /** The answer's content, or the part that arrived if the request failed. *** stands in place of secrets that the server repeats. */
    text: string;
    /**
     * What went wrong, null for a success. *** stands in place of secrets that the server repeats, and escapes in place of characters
     * that control a terminal; the record has those characters unchanged.
     */
    error: string | null;
    /** The kind of failure; docs/records.md explains each. */
    errorType:
      | 'http' | 'timeout' | 'stall' | 'connect' | 'dns' | 'tls' | 'reset' | 'truncated' | 'stream_error' | 'malformed'
      | 'too_large' | 'canceled' | 'abandoned' | null;
    /** The HTTP status, 0 without an answer. */
    status: number;
    /** 'stop', 'length', 'end_turn', 'completed' … as the server reports it. */
    finishReason: string | null;
    /** The time to the first content. */
    ttft: number | null;
    /** The time per output token after the first. */
    tpot: number | null;
    /** The whole time per output token. */
    ntpot: number | null;
    /** The time from sending to the end of the answer, or to the failure. */
    latency: number;
    /** Inter-token latencies: one per gap between chunks; with a tokenizer one per gap between tokens. */
    itl: number[];
    /** Counted by the server's usage, otherwise by the client's tokenizer. */
    promptTokens: number | null;
    /** Counted by the client's tokenizer, otherwise by the server's usage, otherwise the number of chunks. */
    completionTokens: number | null;
    /** How much later than due the request was sent; null if the due instant is unknown. */
    scheduleDelay: number | null;
    /** Whether the request kept the client's slo; null without one. */
    good: boolean | null;
    /** The number of attempts after the first. */
    retries: number;
    /** A UUID; sent as X-Request-Id, and in the record. */
    requestID: string;
    /** The model or adapter that was asked for. */
    model: string;
    /** The class of users that the request belongs to; null without one. */
    label: string | null;
    /** The texts or documents that were sent; null for other APIs. */
    inputs: number | null;
    /** The numbers in each vector of the answer; null without vectors. */
    vectorLength: number | null;
    /** The number of scores in the answer; null without scores. */
    scores: number | null;
    /** The time to the first bytes of sound that came, without a header; null for answers of other kinds. */
    timeToFirstAudio: number | null;
    /** How many seconds the speech that came, or the sound that was sent, plays; null if that is unknown. */
    audioSeconds: number | null;
    /** latency divided by audioSeconds: above 1, the server is slower than the sound plays. */
    realTimeFactor: number | null;
    /** The pictures of the answer, or its video; null for answers of other kinds. */
    media: AnswerMedia[] | null;
    /** For 'video': by how much less than latency it may have taken, as its end was seen by asking; otherwise null. */
    pollBound: number | null;
  }

  /** A session of a {@link Dataset} of sessions, for {@link Client.replay}. */
  export interface Session {
    /** The id of this replay, which its requests carry in {@link ClientOptions.sessionHeader}. */
    readonly id: string;
    /** The number of the replay: past the last session, the data set begins again. */
    readonly number: number;
    /** The number of its calls. */
    readonly calls: number;
    /** When it begins, in seconds after the first session of the trace, at the speed of the replay; null if the trace does not tell. */
    readonly start: number | null;
  }

  /** The outcome of a session. A session that failed is a result, not an exception. */
  export interface SessionResult {
    id: string;
    /** Whether every call succeeded. */
    ok: boolean;
    /** What went wrong, with the call's id; null for a success. */
    error: string | null;
    /** The cause; docs/records.md explains each. */
    errorType: string | null;
    /** The time from its start to the end of its last call, or to its first failure, in milliseconds. */
    duration: number;
    calls: number;
    /** The calls that succeeded. */
    completed: number;
  }

  /** Options of a pair of clients: {@link Client} made with them sends each request to both, to compare them. */
  export interface PairOptions<N extends string = string> {
    /** Two clients by the names that records give them. The second is compared with the first, and may be the same client. */
    pair: Record<N, Client>;
    /** Send both requests at the same time, not one after the other (default false). */
    overlap?: boolean;
    /** The time between the end of the first request and the start of the second (default 0). */
    pause?: Duration;
    /** Seeds the order in which they are sent, which is drawn, half of each (default: the scenario's seed). */
    seed?: number;
  }

  /** What {@link Client} makes of {@link PairOptions}: its methods return the results by the names of the clients; null if the run ended before. */
  export type Pair<N extends string = string> = {
    [K in keyof Client]: Client[K] extends (...args: infer A) => Result
      ? (...args: A) => Record<N, Result | null>
      : Client[K] extends (...args: infer A) => Promise<Result>
        ? (...args: A) => Promise<Record<N, Result | null>>
        : Client[K];
  };

  export const Client: {
    new <N extends string>(options: PairOptions<N>): Pair<N>;
    new (options?: ClientOptions): Client;
  };

  /** Sends requests to a server, or to several. Each VU has one connection to each, kept alive. */
  export interface Client {
    /** Sends a request to the endpoint of the client's api and waits until it ends. */
    send(request: Request, options?: { signal?: Signal }): Result;
    sendAsync(request: Request, options?: { signal?: Signal }): Promise<Result>;
    /** Sends a chat; a string is a single user message. */
    chat(messages: Message[] | string, options?: RequestOptions): Result;
    chatAsync(messages: Message[] | string, options?: RequestOptions): Promise<Result>;
    /** Sends a chat to Anthropic's Messages; a string is a single user message. */
    messages(messages: Message[] | string, options?: RequestOptions): Result;
    messagesAsync(messages: Message[] | string, options?: RequestOptions): Promise<Result>;
    /** Sends a chat to OpenAI's Responses; a string is a single user message. A message may be an item of that API. */
    respond(messages: Message[] | string, options?: RequestOptions): Result;
    respondAsync(messages: Message[] | string, options?: RequestOptions): Promise<Result>;
    /** Sends a completion. */
    complete(prompt: string, options?: RequestOptions): Result;
    completeAsync(prompt: string, options?: RequestOptions): Promise<Result>;
    /** Asks for vectors of a text, or of several. */
    embed(input: string | string[], options?: RequestOptions): Result;
    embedAsync(input: string | string[], options?: RequestOptions): Promise<Result>;
    /** Asks for the scores of documents by a query. */
    rerank(query: string, documents: string[], options?: RequestOptions): Result;
    rerankAsync(query: string, documents: string[], options?: RequestOptions): Promise<Result>;
    /** Has a text spoken. The sound is measured, and not kept. */
    speak(text: string, options?: RequestOptions): Result;
    speakAsync(text: string, options?: RequestOptions): Promise<Result>;
    /** Has a sound written down; prompt is what the model is told about it. */
    transcribe(file: SoundFile, options?: RequestOptions & { prompt?: string }): Result;
    transcribeAsync(file: SoundFile, options?: RequestOptions & { prompt?: string }): Promise<Result>;
    /** Has pictures made of a prompt, or edited. They are measured, and not kept. */
    image(prompt: string | { prompt: string; image?: PictureFile | PictureFile[] }, options?: RequestOptions): Result;
    imageAsync(prompt: string | { prompt: string; image?: PictureFile | PictureFile[] }, options?: RequestOptions): Promise<Result>;
    /** Has a video made, asks for it until it is done, and fetches it. latency is without the fetching. */
    video(prompt: string | { prompt: string; image?: PictureFile }, options?: RequestOptions): Result;
    videoAsync(prompt: string | { prompt: string; image?: PictureFile }, options?: RequestOptions): Promise<Result>;
    /**
     * Replays a session of a data set and waits until it ends: its calls are sent as its graph lets them go, each with the server's own
     * answers to those before it. It must be the first request of its iteration.
     */
    replay(session: Session, options?: UserClass & { label?: string }): SessionResult;
    replayAsync(session: Session, options?: UserClass & { label?: string }): Promise<SessionResult>;
    /** The number by which the records name this client. Clients with equal options have the same. */
    readonly number: number;
  }

  /**
   * A length in tokens: a number, or a distribution. By default type 'normal', mean 512, stdDev 200, min 10, max 1024.
   * docs/datasets.md has the formulas.
   */
  export type Length = number | Distribution;

  /** A distribution from which numbers are drawn. */
  export interface Distribution {
    type?: 'normal' | 'skew_normal' | 'lognormal' | 'uniform' | 'poisson' | 'fixed';
    mean?: number;
    stdDev?: number;
    /** For 'skew_normal': 0 is normal; above 0 the long tail is to the right. */
    skew?: number;
    /** Drawn numbers are brought within min and max. */
    min?: number;
    max?: number;
  }

  /** A size in pixels, up to 16383 each way: 3840 × 2160, 1920 × 1080, 1280 × 720, 640 × 360, or any other. */
  export type Resolution = '4k' | '1080p' | '720p' | '360p' | { width: number; height: number };

  /** Images of a prompt. */
  export interface ImageMix {
    /** How many a prompt has (default 1). */
    count?: Length;
    /** The size, or several to choose from, by their weights if they have some (default 512 × 512). */
    resolutions?: Resolution | (Resolution | { resolution: Resolution; weight?: number })[];
    representation?: 'png' | 'jpeg' | 'webp';
    /** Where in the text it stands, from 0 to 1, drawn for each (default: anywhere). */
    insertionPoint?: number | Distribution | null;
  }

  /** A kind of video, with 10 frames a second. */
  export interface VideoProfile {
    /** The size of a frame (default 512 × 512). Those of MP4 files are even: odd ones are rounded down. */
    resolution?: Resolution;
    frames: number;
  }

  /** Videos of a prompt. */
  export interface VideoMix {
    /** How many a prompt has (default 1). */
    count?: Length;
    /** The kind, or several to choose from (default 512 × 512 with 10 frames). */
    profiles?: VideoProfile | (VideoProfile | { profile: VideoProfile; weight?: number })[];
    /** A file, or the frames as so many images at one place (default 'mp4'). */
    representation?: 'mp4' | 'png_frames' | 'jpeg_frames';
    /** As of images. */
    insertionPoint?: number | Distribution | null;
  }

  /** Sounds of a prompt: WAV files of 16 kHz, 16 bits and one channel. */
  export interface AudioMix {
    /** How many a prompt has (default 1). */
    count?: Length;
    /** Seconds, or several to choose from (default 1). */
    durations?: number | (number | { duration: number; weight?: number })[];
    /** As of images. */
    insertionPoint?: number | Distribution | null;
  }

  /** What is drawn for each prompt. */
  export interface MediaMix {
    image?: ImageMix;
    video?: VideoMix;
    audio?: AudioMix;
  }

  /** Images, videos and sounds in prompts. */
  export interface MediaOptions extends MediaMix {
    /**
     * 'noise', the default, is as large and as hard to decode as a photograph; 'solid' is one colour and silence, which compress to nearly
     * nothing, as inference-perf makes them.
     */
    content?: 'noise' | 'solid';
    /** The size of a file of noise, for each pixel of each frame (default: that of photographs in the format). */
    bytesPerPixel?: number;
    /** Files that come again, so that a server's caches of media can be measured. Without it, all files are new. */
    pool?: {
      /** The number of different files of each resolution, profile or duration. They stay in memory. */
      size: number;
      /** The share of media that are files of the pool (default 1). The rest are new, and sent once. */
      reuse?: number;
    };
    /** 'data', in the request, the default, or 'url': the server fetches each file from this machine. */
    delivery?: 'data' | 'url';
    /** For 'url': the address to listen on, such as '0.0.0.0:8088' (default: a free port of the loopback interface). */
    listen?: string;
    /** For 'url': the address at which the model server reaches it, such as 'http://10.0.0.5:8088'. */
    url?: string;
    /** For 'url': a file to which a line of JSON is added for each fetch. */
    log?: string;
  }

  /** Options of a {@link Dataset}. */
  export interface DatasetOptions {
    /**
     * From files: 'shareGPT', 'billsum_conversations', 'infinity_instruct' (conversations), 'cnn_dailymail' (articles), 'prompts' (prompts,
     * or messages, sent unchanged with their tools and parameters; 'jsonl' is an older name), 'visionarena' (questions about images), 'sound' (files to write down, or made-up
     * sounds, for 'transcription'). Generated: 'random', 'synthetic' and 'shared_prefix' (exact lengths),
     * 'conversation_replay' (several turns), 'mock' (tiny). Sessions, for {@link Client.replay}: 'otel_trace_replay' and 'weka_trace_replay'
     * (traces of agents), 'workload_replay' (traces and logs of other formats), 'synthetic_agentic' (made-up agents). 'mix': several of them
     * by shares, see parts.
     */
    type:
      | 'shareGPT' | 'billsum_conversations' | 'infinity_instruct' | 'cnn_dailymail' | 'prompts' | 'jsonl' | 'visionarena' | 'sound'
      | 'random' | 'synthetic' | 'shared_prefix' | 'conversation_replay' | 'mock'
      | 'otel_trace_replay' | 'weka_trace_replay' | 'workload_replay' | 'synthetic_agentic' | 'mix';
    /**
     * For 'mix': the data sets that items come from, each with its share and the class of its requests. In any 10,000 items the shares are
     * exact. Which part item k comes from, and which of its items it is, follow from k and seed alone, on any number of instances.
     */
    parts?: MixPart[];
    /**
     * A file or folder, relative to the script, or a data set on the Hugging Face hub such as 'org/name'. 'sample:' is a small built-in
     * sample of the type.
     */
    path?: string;
    /**
     * The files to read of a folder or of the hub, such as 'train-*.parquet'. Traces and 'visionarena' may have a list of patterns, without a path too:
     * ['traces/2025-*.json', 'more/**\/*.json'].
     */
    files?: string | string[];
    /** For 'sound' without a path: how long the sounds are, in seconds (default normal, mean 10, stdDev 5, min 1, max 30). */
    durations?: number | Distribution;
    /** For 'sound' without a path: how many different sounds there are; item i is number i modulo that (default 32). */
    poolSize?: number;
    /** For 'sound' without a path: 'noise' like speech (the default), or 'solid': silence. */
    content?: 'noise' | 'solid';
    /** For 'visionarena': the part of a data set on the hub that is read, a word of its files' names (default 'train'). */
    split?: string;
    /** For 'visionarena': the usable records to read (default 1000). They are in memory with their images. */
    numRows?: number;
    /** For 'visionarena': the images of a request at most, the first of the record (default 1). */
    maxImages?: number;
    /**
     * For 'visionarena': where images stand in the text, from 0, before it (the default), to 1, behind it: a number, or a distribution of such
     * numbers, drawn for each image; null is anywhere.
     */
    insertionPoint?: number | Distribution | null;
    /** For 'prompts': the field or column that has the prompt, a text or a list of messages (default 'prompt' or 'messages'). */
    column?: string;
    /**
     * The form of the items: chats (the default), the texts of 'completion', those of 'embeddings', the query and documents of 'rerank',
     * or the prompts of 'speech', 'image' and 'video'.
     */
    api?: 'chat' | 'completion' | 'anthropic_messages' | 'responses' | 'embeddings' | 'rerank' | 'speech' | 'transcription'
      | 'image' | 'video';
    /** For 'embeddings': the texts of each request (default 1). */
    batchSize?: number;
    /**
     * For 'image' and 'video': the sizes to ask for, with their weights, such as '512x512:1,1024x1024:3'. The size of item k follows from
     * seed and k.
     */
    sizes?: string;
    /** For 'rerank': the documents of each request (default 10), unless the records of a 'prompts' file have documents of their own. */
    documentCount?: number;
    /**
     * Shuffles the items of a file, always in the same way for the same seed; without a seed they come in the order of the file. For
     * generated prompts, the seed from which they are drawn (default 0; 42 for 'conversation_replay').
     */
    seed?: number;
    /**
     * Counts the tokens of the answers in a file, to which maxTokens is set; by default they are estimated. Generated prompts need it. See
     * {@link ClientOptions.tokenizer}.
     */
    tokenizer?: string;
    /**
     * For 'random' and 'synthetic' without a tokenizer: the mean number of tokens of a word, such as 1.3. Prompts then have about the
     * lengths asked for. `k6 x llm probe` says whether the server counts tokens; `k6 x llm bench` learns the number from the server.
     */
    tokensPerWord?: number;
    /** Tokens of generated prompts, of completions with special tokens, of chats without the template; for files, the prompts to keep (min to max). */
    inputDistribution?: Length;
    /** Tokens of answers; for files, the answers to keep. */
    outputDistribution?: Length;
    /** A text file; 'synthetic' prompts are pieces of it instead of the built-in text. */
    corpusFilePath?: string;
    /**
     * For 'random': a CSV file with the columns ContextTokens and GeneratedTokens, as in Azure's traces, or for example input_tokens and
     * output_tokens. Item k has the lengths of line k instead of drawn ones.
     */
    trace?: string;
    /**
     * For 'random' as completions: write each prompt as the model's chat template writes a user message. The length includes the
     * template, and the server is asked to add no special tokens.
     */
    useChatTemplate?: boolean;
    /**
     * Makes the prompts of a run differ from those of earlier runs, so that the server's prefix cache does not contain them. The default is
     * the run's id ('random', 'synthetic') or no salt ('shared_prefix'). With false each run has the same prompts.
     */
    salt?: string | false;
    /**
     * For 'random', 'synthetic' and 'shared_prefix' as single completions: 'inference-perf' generates prompts as inference-perf 0.7.0 does,
     * from decoded ids and with lengths by its formulas. They are the same in each run unless there is a salt (default 'own').
     */
    prompts?: 'own' | 'inference-perf';
    /** For 'shared_prefix'; by default 10 system prompts of 100 tokens, each with 10 questions of 50 tokens and answers of 50. */
    sharedPrefix?: {
      numUniqueSystemPrompts?: number;
      numUsersPerSystemPrompt?: number;
      systemPromptLen?: Length;
      questionLen?: Length;
      outputLen?: Length;
      /** Whether each user asks several questions, see turns. */
      enableMultiTurnChat?: boolean;
      /** Images, videos and sounds of the system prompts: the same files in all requests of a group. */
      media?: MediaMix;
    };
    /** For 'conversation_replay'; by default 200 conversations of 10 turns with a system prompt of 8359 tokens. */
    conversationReplay?: {
      numConversations?: number;
      sharedSystemPromptLen?: number;
      dynamicSystemPromptLen?: Length;
      turnsPerConversation?: Length;
      inputTokensPerTurn?: Length;
      outputTokensPerTurn?: Length;
      /** Seconds between an answer and the next turn. */
      toolCallLatencySec?: number | Distribution;
      /**
       * The longest prompt, answer included (default 225000). Longer prompts lose their oldest turns, then the end of the system prompt,
       * then the end of the turn. With unit 'session' they lose turns alone.
       */
      maxModelLen?: number;
    };
    /**
     * Sends whole conversations: each turn contains the conversation so far, with the server's own answers, and is sent once the turn
     * before it has been answered. 'all' turns of the conversations in a file; a number (default 5) for shared_prefix with
     * enableMultiTurnChat.
     */
    turns?: 'all' | number;
    /** The number of conversations open at once, over all instances (default: all, up to 1000). */
    sessions?: number;
    /**
     * Images, videos and sounds in the prompts of single requests, for the APIs with messages. With 'shared_prefix'
     * they stand in the questions, and each request is one message of the user.
     */
    media?: MediaOptions;
    /** The limit of every answer, in tokens, in place of the item's own. */
    maxTokens?: number;
    /**
     * What an iteration sends: a request ('turn', the default), or with {@link Client.replay} the whole of a session ('session', what the
     * types of traces and 'synthetic_agentic' always are). For 'conversation_replay', and where turns are set.
     */
    unit?: 'turn' | 'session';
    /** How the files of a trace are read into sessions. */
    workload?: {
      /** The format, for 'workload_replay' (default: found out by the first record). */
      format?: TraceFormat;
      /** For logs: the names of the columns that hold these. */
      columns?: Partial<Record<'time' | 'prompt' | 'messages' | 'input_tokens' | 'output_tokens' | 'session' | 'body' | 'headers', string>>;
      /** The tokens of a block, where a trace has hashes of blocks in place of texts (default: those of the format). */
      blockSize?: number;
      /** Where equal hashes are equal texts: in the whole trace, or in each session (default: as the format says). */
      scope?: 'trace' | 'session';
      /** Keeps sessions of which this lambda of Python is true, such as 'lambda s: s["total_tokens"] < 100000'. */
      filter?: string;
      /** The share of the sessions to keep, drawn by the seed: 0.1 or '10%' (default: all). */
      share?: Share;
      /** The number of sessions to read (default: all). */
      entries?: number;
      /** The number of sessions to reach by repeating them under other ids. Of a trace that has more, none is repeated. */
      duplicates?: number;
      /** Whether calls that failed when they were recorded are sent (default true). */
      includeErrors?: boolean;
      /** Leave sessions that are invalid or lack a record out, and count them, in place of an error (default false). */
      skipInvalid?: boolean;
      /** The longest time in which no call of a session goes (default: no limit). */
      idleGapCap?: Duration;
    };
    /** How sessions are replayed. */
    replay?: {
      /** What later calls repeat: the server's own answers ('live', the default), or those of the trace. */
      answers?: 'live' | 'recorded';
      /** Whether a call whose recorded answer calls tools asks for them by name (default 'force_recorded'). */
      toolChoice?: 'force_recorded' | 'as_recorded';
      /** What takes the place of a tool call that is missing or cannot be read: nothing, so that the session fails (default), or the recorded one. */
      badToolCalls?: 'none' | 'use_recorded';
      /** Give an answer that is a tool call at least 4096 tokens, and four times those recorded (default true; false for 'synthetic_agentic'). */
      toolCallMaxTokens?: boolean;
      /** The longest wait before a call, after speed (default: no limit). */
      maxWait?: Duration;
      /** How long a call waits for those before it (default: no limit). */
      predecessorTimeout?: Duration;
      /** Divides all waits, and the instants of Dataset.starts(): 2 replays twice as fast (default 1). */
      speed?: number;
      /** Put a text that no other session has before each session's own messages, so that the server's cache knows none (default false). */
      randomSessionID?: boolean;
      /** Begin each first message with a text of the session, or of the pass over the trace (default: neither). */
      cacheBust?: 'session' | 'pass';
      /** Let the first sessions of a closed loop begin inside, between these shares of their calls, such as [0.25, 0.75]. */
      beginInside?: [number, number];
      /** The tokens that the model can read and write: a longer call fails its session (default: no limit). */
      maxModelLen?: number;
      /** Request headers by the attribute of the trace whose value they carry. */
      headers?: Record<string, string>;
      /** Labels of records by the attribute of the trace whose value they carry. */
      labels?: Record<string, string>;
      /** The tokens of a block of the server's prefix cache, for the reuse that is expected of it (default 16). */
      blockSize?: number;
    };
    /** For 'synthetic_agentic': inference-perf's options, docs/replay.md. seed and tokenizer stand outside. */
    syntheticAgentic?: {
      /** Required, as are the next two. */
      numSessions?: number;
      inputTokensPerTurn?: Length;
      outputTokensPerTurn?: Length;
      /** Questions of the user (default 1). */
      turnsPerSession?: Length;
      /** The probability that an agent starts others (default 0). */
      fanoutProbability?: Share;
      /** Weights of the themes: generic, db2_latency_incident, research_rag, code_change_task (default: equal). */
      themeMix?: Record<string, number>;
      sharedSystemPromptLen?: number;
      /** Tool calls before an answer (default 2). */
      toolLoopDepth?: Length;
      subAgentsPerSpawn?: Length;
      maxDepth?: number;
      maxEventsPerSession?: number;
      toolCatalogSizePerAgent?: Length;
      parallelToolCallsPerStep?: Length;
      toolCallLatencySec?: number | Distribution;
      userThinkTimeSec?: number | Distribution;
      maxModelLen?: number;
      /** Replaces a transcript that has become long by a summary. */
      contextCompaction?: AgenticCompaction;
    };
  }

  /**
   * A part of a mix: a Dataset that was made before, or the options of one. Options take api, tokenizer, tokensPerWord, salt, maxTokens,
   * batchSize, documentCount and sizes from the mix where they leave them out; prompts that are made up follow its seed, files keep their
   * order. label, slo, model, priority, headers and cancel go with each item to its request.
   */
  export type MixPart = UserClass & {
    /** The part of the items that come from it. The shares of all parts add up to 1. */
    share: number;
    /** The class of its requests. Parts may share a label if they have the same slo, priority and model. */
    label?: string;
  } & ({ data: Dataset } | DatasetOptions);

  /** A share: 0.1 or '10%'. */
  export type Share = number | `${number}%`;

  /** The formats of 'workload_replay'. */
  export type TraceFormat = 'otel' | 'weka' | 'mooncake' | 'bailian' | 'azure' | 'burstgpt' | 'tracelab' | 'dag' | 'log' | 'bodies';

  /** When a transcript becomes a summary, and how long that is. */
  export interface AgenticCompaction {
    triggerTokens?: Length;
    targetTokens?: Length;
  }

  /** What a data set with these options returns. */
  export type ItemOf<O> = O extends
    | { type: 'otel_trace_replay' | 'weka_trace_replay' | 'workload_replay' | 'synthetic_agentic' }
    | { unit: 'session' }
    ? Session
    : Request;

  /** A data set of prompts. Create it in the init context; all VUs share one copy of a file. */
  export class Dataset<const O extends DatasetOptions = DatasetOptions> {
    constructor(options: O);
    /**
     * Returns the item of the running iteration. Call it once per iteration. For conversations, that is the next turn of the conversation
     * that has been idle longest; if none is idle, the call waits. Send the item with the client: its answer goes into the next turn.
     * For other data sets each arrival of the test has an item of its own, over all instances. For data sets of sessions it is a
     * {@link Session}, to replay.
     */
    next(): ItemOf<O>;
    /** Returns item number i, counted from 0. */
    at(i: number): ItemOf<O>;
    /**
     * Of sessions: when they begin, in seconds after the first one, at the speed of the replay, for
     * scenarios({ arrival: 'trace', trace: data.starts(), exec: { client, data } }). It throws if the trace has no instants.
     */
    starts(): number[];
    /** The number of distinct items; null if it is unlimited or not known yet. */
    readonly length: number | null;
    /** The number of this data set among those of the script, from 0. */
    readonly number: number;
  }

  /**
   * A model's tokenizer. Its ids are exactly those of Hugging Face's tokenizers library. Create it in the init context; all VUs
   * share one copy.
   */
  export class Tokenizer {
    /** path is a tokenizer.json, a folder that holds one, or a name on the Hugging Face hub such as 'org/model'. */
    constructor(path: string);
    /** Returns the number of tokens of a text, without special tokens around it. */
    count(text: string): number;
    /** Returns the ids of a text, without special tokens around it. */
    encode(text: string): number[];
    /** Returns the text of ids, with special tokens. */
    decode(ids: number[]): string;
  }

  /** A stage of a load: a constant rate, a ramp to a target rate, or a closed loop of a number of requests, or for a time. */
  export interface Stage {
    /** Requests per second; fractions are possible. In a closed loop of a number of requests: the most that begin per second. */
    rate?: number;
    /** Requests per second at the end of a ramp, which begins where the stage before ended. */
    target?: number;
    /** The length of the stage, for a rate or a concurrency. A text needs a unit. */
    duration?: Duration;
    /**
     * The number of requests in flight, of a closed loop: a new request is sent when one ends. Beside requests and a rate it may be left out.
     */
    concurrency?: number;
    /** The number of requests of a closed loop, instead of a duration; of data in sessions, the number of sessions. */
    requests?: number;
    /** After this time a stage of a number of requests begins no further one; needs the executor llm-arrival-rate. */
    timeout?: Duration;
    /** Reach the concurrency evenly over this time instead of at once; needs the executor llm-arrival-rate. */
    rampUp?: Duration;
    /**
     * Requests due within this time of the stage's start (in a closed loop, those sent) are recorded, but are in no figure. With true that
     * is all of the stage, and with 'until-stable' too: the stage then ends once the server is stable, after its duration (default '5m') at
     * the latest. Needs the executor llm-arrival-rate.
     */
    warmup?: Duration | boolean | 'until-stable';
  }

  /**
   * A search for the highest load at which the server keeps an SLO (docs/search.md). Each probe is a stage: the load doubles until the SLO
   * breaks, then the step is bisected, and in the end the answer is measured once more, for longer.
   */
  export interface Search {
    /** What is raised: requests per second (open loop, the default), or requests at a time (closed loop). */
    over?: 'rate' | 'concurrency';
    /**
     * What the server has to keep, such as 'p99(ttft)<500ms,failures<1%', or bounds that 99 % of the requests have to keep. A latency counts
     * from when the request was due; one that failed or was dropped is over every bound. Speech has 'p99(first_audio)<300ms,p99(rtf)<1'.
     */
    slo?: string | { ttft?: Duration; tpot?: Duration; ntpot?: Duration; itl?: Duration; request_latency?: Duration; first_audio?: Duration; rtf?: number };
    /** Several SLOs in place of slo. They share the probes. */
    tiers?: { name: string; slo: string | object }[];
    /** The lowest load to try (default: found by doubling, or halving, from 1). */
    min?: number;
    /** The highest load to try (default: no limit). */
    max?: number;
    /** How close two loads have to be between which the answer lies: 0.05 (the default) or '5%'. */
    resolution?: number | `${number}%`;
    /** The confidence of the interval around the answer (default 0.95). */
    confidence?: number | `${number}%`;
    /** The longest time that a load is measured (default '15s'). A probe ends as soon as it is certain. */
    probe?: Duration;
    /** The longest time that the answer is measured once more (default: twice the probe). */
    hold?: Duration;
    /** How many loads may be tried (default 20). */
    maxProbes?: number;
  }

  /** Options of {@link scenarios}. */
  export interface LoadOptions {
    stages?: Stage[];
    /** A search for the highest load within an SLO, in place of stages. It needs llm-arrival-rate, which is then the default. */
    search?: Search;
    /**
     * The arrival process: evenly spaced (the default), exponential gaps (the default of a search over a rate), gamma gaps, inference-perf's
     * normalised gaps, inference-perf's draws by the second, or given instants.
     */
    arrival?: 'constant' | 'poisson' | 'gamma' | 'inference-perf' | 'inference-perf-poisson' | 'trace';
    /** The shape of gamma gaps: 1 is Poisson, below 1 arrivals come in bursts, above 1 they are more even. */
    burstiness?: number;
    /** For arrival 'trace', which takes no stages: the instants, in seconds after the start. */
    trace?: number[];
    /**
     * k6's ramping-arrival-rate (the default for constant arrivals and an exec that is a function), or llm-arrival-rate (the default for
     * everything else), which knows when each request was due.
     */
    executor?: 'ramping-arrival-rate' | 'llm-arrival-rate';
    /**
     * Wait for requests in flight before the next stage, for at most gracefulStop. Only llm-arrival-rate can (default true; false under
     * an execution segment).
     */
    drain?: boolean;
    /**
     * The warm-up of each stage that does not state its own (default 0). With 'until-stable' a warm-up with the load of the first stage comes
     * before it, and lasts until the server is stable, for 5 min at most, or as long as in 'until-stable@2m'.
     */
    warmup?: Duration | 'until-stable' | `until-stable@${string}`;
    /** The pause between stages (default 0). */
    interval?: Duration;
    /** The seed of random arrivals and of adapters: the same seed gives the same schedule on every machine (default 0). */
    seed?: number;
    /** How long requests in flight may continue after their stage (default '120s'); then they are cut off and recorded as canceled. */
    gracefulStop?: Duration;
    /** The time that a request is expected to take, from which the number of VUs is computed (default '10s'). */
    expectedLatency?: Duration;
    /** When the load begins after the start of the test (default 0). */
    startTime?: Duration;
    /** The longest time for a stage of {requests, concurrency} (default '24h'). */
    maxDuration?: Duration;
    /**
     * VUs at the start of a stage, instead of rate × expectedLatency; at most one for each arrival. With exec: { client, data }, requests
     * that are expected in flight: no VUs are made for them.
     */
    preAllocatedVUs?: number;
    /** The most VUs of a stage, or requests in flight, instead of ten times that number; at most one for each arrival. */
    maxVUs?: number;
    /**
     * What an iteration does: it runs the exported function of this name (default 'default'), or it sends the next item of the data set by
     * the client, { client, data }, without JavaScript. That takes a quarter of the memory and needs llm-arrival-rate, which is then the
     * default. The data set must be of the client's api. k6 demands a default function all the same.
     */
    exec?: string | { client: Client | Pair; data: Dataset };
    /** The environment and the tags, as in any scenario of k6. */
    env?: Record<string, string>;
    tags?: Record<string, string>;
    /** The class of users whose requests the load is: the tag label. */
    label?: string;
  }

  /** Makes k6 scenarios of stages: stage_0, stage_1 … under k6's own executor; a single scenario, load, under llm-arrival-rate. */
  export function scenarios(options: LoadOptions): Record<string, object>;

  /**
   * The load for hosts that do not allow executors of extensions: scenarios over k6's shared-iterations, and wait(). Call wait() first in
   * each iteration: it returns once the iteration's arrival is due, with its lateness in milliseconds. An arrival that finds no free VU is
   * sent late instead of being dropped.
   */
  export function pace(load: LoadOptions): { scenarios: Record<string, object>; wait(): number };

  /**
   * Returns the instants of a trace, in seconds after its first instant. The file is CSV with a column such as TIMESTAMP or arrival_time,
   * as in Azure's published traces; without a header line, the first column counts. Values are times, seconds, or epochs in s, ms, µs or ns.
   * scenarios({ arrival: 'trace', trace: trace('azure.csv') })
   */
  export function trace(path: string): number[];

  /**
   * Returns an inference-perf configuration as options of Client, Dataset and scenarios(). source is the path of a YAML file, or an object.
   * Unknown keys throw an error that names them; docs/config.md explains each key. Paths in it are relative to the working directory.
   */
  export function config(source: string | object): {
    client: ClientOptions;
    dataset: DatasetOptions;
    scenarios: { load: Record<string, any> };
    report: { percentiles: number[]; perRequest: boolean; useServerOutputTokens: boolean };
  };

  /**
   * Writes a mark into the records: something that happened now. The report shows it over time, and how long it took until the SLO was kept
   * again. Call it in setup(), in one VU or in teardown(); the script throws at more than 1,000 marks. The first request with a new value of
   * k6's tag mark writes one, too: exec.vu.tags.mark = 'cache emptied'.
   */
  export function mark(text: string): void;

  /** Returns a short text summary: export function handleSummary(data) { return summary(data); } */
  export function summary(data: object): { stdout: string };

  /** The version of this extension. */
  export const version: string;
}
