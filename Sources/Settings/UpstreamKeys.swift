/// The keys of one provider, the same for `upstream` and for each of `upstreams`.
enum UpstreamKeys {
    static let all: [RecordKey<Settings.Upstream>] = [
        RecordKey(
            "base_url", \.baseURL, .baseURL,
            """
            The provider's URL up to and with its version, as clients of the OpenAI library write it: a request for
            /v1/chat/completions goes to base_url + /chat/completions. A URL without a path gets /v1. A query such as
            ?api-version=2024-10-21 is added to every request; a request for the path of another API (/openai/...,
            /v1beta/...) goes to the same path on this host. Flag: --upstream.
            """),
        RecordKey(
            "api_key_env", \.apiKeyEnv, ValueKind<String>.environmentName.optional,
            """
            Name of the environment variable that holds the provider's key, sent as 'Authorization: Bearer'. Unset (null): each
            client's own Authorization is forwarded. The key itself is never written here.
            """),
        RecordKey(
            "headers", \.headers, .headers,
            "Header fields added to every request, as a map of name and value. Fields that hold secrets belong under headers_env."),
        RecordKey(
            "headers_env", \.headersEnv, .headersEnv,
            """
            The same for secrets: a map of header name and name of the environment variable that holds its value, such as api-key: AZURE_KEY
            or x-goog-api-key: GEMINI_KEY.
            With a key here or in api_key_env, the clients' own keys are not forwarded.
            """),
        RecordKey("connect_timeout", \.connectTimeout, .duration(), "Time for name lookup, connection and TLS together (duration)."),
        RecordKey(
            "first_byte_timeout", \.firstByteTimeout, .duration(),
            "Time from the request's end to the answer's first byte (duration). Slow models think for minutes before they answer."),
        RecordKey(
            "silence_timeout", \.silenceTimeout, .duration(),
            "Longest pause between two pieces of an answer that has begun (duration); after it the answer counts as broken and is not stored."),
        RecordKey(
            "ca_file", \.caFile, ValueKind<String>.path.optional,
            "PEM file with the certificate authorities to trust in place of the system's. Unset (null): the system's."),
        RecordKey("min_tls", \.minTLS, .choice, "The oldest version of TLS that is spoken with the provider: v1.2 or v1.3."),
        RecordKey(
            "max_connections", \.maxConnections, .whole(1...100_000),
            "Calls to the provider under way at once, and connections to it; more calls wait in the queue."),
        RecordKey(
            "queue_limit", \.queueLimit, .whole(0...1_000_000),
            "Calls that may wait in the queue; more are answered with 503 and Retry-After. 0: none wait."),
        RecordKey(
            "queue_timeout", \.queueTimeout, .duration(), "Longest wait in the queue (duration); after it the answer is 503 with Retry-After."),
        RecordKey(
            "retries", \.retries, .whole(0...20),
            """
            How often a call is made again after a failed connection or one of the statuses 408, 429 and 5xx, before anything of an answer
            reached the client. A refusal that says that a quota or a balance is spent is passed on at once, and uploads that stream through are
            sent once. 0: never.
            """),
        RecordKey(
            "retry_delay", \.retryDelay, .duration(),
            "Pause before the first repeat (duration); each further one is twice as long. All are shortened at random, down to half."),
        RecordKey(
            "retry_max_delay", \.retryMaxDelay, .duration(),
            """
            Longest pause (duration). The provider's Retry-After is respected up to it; when the provider asks for more, its answer is passed on.
            """),
        RecordKey(
            "breaker_failures", \.breakerFailures, .whole(0...10_000),
            """
            After so many failures in a row (no connection, no answer, status 500, 502, 503, 504 or 529) the provider is left alone for
            breaker_cooldown: calls then fail at once with 503, or go to the fallback. 0: never.
            """),
        RecordKey(
            "breaker_cooldown", \.breakerCooldown, .duration(),
            "How long the provider is left alone (duration). Then one call tries it, and the others follow when that succeeds."),
        RecordKey(
            "fallback", \.fallback, ValueKind<String>.text("a name from 'upstreams'").optional,
            """
            Name of the entry of 'upstreams' that is asked when this one fails for good. What it answers is kept for a minute at most. Unset
            (null): none.
            """),
    ]

    /// The keys of an entry of `upstreams`.
    static let routed: [RecordKey<Settings.RoutedUpstream>] =
        [
            RecordKey(
                "paths", \.paths,
                .list("path patterns such as /v1/messages or /v1/audio/*") { $0.hasPrefix("/") && $0.utf8.count <= 500 }, "Requests for these paths."),
            RecordKey(
                "models", \.models, .list("model patterns such as gpt-4o or claude-*") { (1...200).contains($0.utf8.count) },
                "Requests for these models."),
        ] + all.map { $0.within(\.upstream) }
}
