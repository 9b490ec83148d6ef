package import HTTPTypes

/// The header fields that decide who answers a request, or what is answered: they belong to key and scope.
///
/// Two kinds are known: single fields of providers that choose a version or a deployment, and the families of gateways that route by header. Of a
/// family counts what is not known to watch only (traces, logs, retries, its cache, credentials): gateways add fields, and one that decides in silence
/// would hand out another route's answer. What else decides in an operator's house, `cache.vary` names.
package struct RoutingFields: Sendable {
    private let more: Set<String>

    /// - Parameter names: what counts beside the known fields, in any case.
    package init(also names: [String] = []) { more = Set(names.map { $0.lowercased() }) }

    /// Whether a field of this name counts.
    package func contains(_ name: HTTPField.Name) -> Bool {
        let name = name.canonicalName
        return Self.single.contains(name) || !more.isEmpty && more.contains(name) || Self.routes(name)
    }

    /// Those that choose a version, a preview, a deployment or a guard at one provider.
    private static let single: Set<String> = [
        "anthropic-version", "anthropic-beta", "openai-beta", "x-ms-model-mesh-model-name", "azureml-model-deployment", "extra-parameters",
        "x-amzn-sagemaker-target-model", "x-amzn-sagemaker-target-variant", "x-amzn-sagemaker-inference-component",
        "x-amzn-bedrock-guardrailidentifier", "x-amzn-bedrock-guardrailversion",
    ]

    private static let families = ["x-portkey-", "helicone-", "x-litellm-", "cf-aig-", "x-bf-", "x-openrouter-", "x-ai-eg-", "x-gateway-"]

    /// Words in the names of fields that watch, and of those that say on whose behalf a request is made, which is the tenant's.
    private static let watching: Set<Substring> = [
        "cache", "trace", "span", "session", "request", "event", "log", "logs", "collect", "metadata", "property", "user", "customer", "end", "call",
        "timeout", "retry", "retries", "attempts", "backoff", "delay", "cost", "debug", "auth", "authorization", "vk", "prom", "maxim", "dim", "lh",
        "redaction", "omit", "posthog", "ratelimit", "prompt", "title", "categories",
    ]

    private static func routes(_ name: String) -> Bool {
        // Looked at for every field of every request: few begin like a family.
        guard let first = name.utf8.first, "xhc".utf8.contains(first), let family = families.first(where: { name.utf8.starts(with: $0.utf8) }) else {
            return false
        }
        let rest = name.dropFirst(family.utf8.count)
        return !rest.hasSuffix("api-key") && !rest.split(separator: "-").contains(where: watching.contains)
    }
}
