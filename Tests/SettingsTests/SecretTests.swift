import Settings
import Testing

/// Secrets come from the environment and are never printed.
struct SecretTests {
    private let text = """
        upstream:
          api_key_env: OPENAI_API_KEY
          headers_env: {api-key: AZURE_KEY}
        tenancy: {key_env: TENANT_KEY}
        admin: {token_env: ADMIN_TOKEN}
        """
    private let environment = ["OPENAI_API_KEY": "hush-1", "AZURE_KEY": "hush-2", "TENANT_KEY": "hush-3", "ADMIN_TOKEN": "hush-4"]

    @Test func areResolvedAndRedactedInEveryPrint() throws {
        let loaded = try load(text, environment: environment)
        #expect(loaded.secrets.upstreamAPIKey?.reveal() == "hush-1")
        #expect(loaded.secrets.upstreamHeaders.map { "\($0.name)=\($0.value.reveal())" } == ["api-key=hush-2"])
        #expect(loaded.secrets.tenancyKey?.reveal() == "hush-3")
        #expect(loaded.secrets.adminToken?.reveal() == "hush-4")
        var dumped = ""
        dump(loaded, to: &dumped)
        dump(loaded.secrets.adminToken as Any, to: &dumped)
        let prints = [
            dumped, "\(loaded)", String(describing: loaded), String(reflecting: loaded), loaded.settings.effectiveYAML, loaded.settings.commentedYAML,
            "\(loaded.secrets)", "\(String(describing: loaded.secrets.upstreamAPIKey))", String(reflecting: loaded.secrets.upstreamAPIKey),
        ]
        for print in prints { #expect(!print.contains("hush"), "\(print)") }
        #expect("\(loaded.secrets)".contains("[redacted]"))
    }

    @Test func missingAndEmptyVariablesAreErrors() {
        let found = problems(in: text, environment: ["OPENAI_API_KEY": "", "TENANT_KEY": "x"])
        #expect(
            found == [
                "config.yaml:2:16: upstream.api_key_env names the environment variable OPENAI_API_KEY, which is empty",
                "config.yaml:3:16: upstream.headers_env names the environment variable AZURE_KEY, which is not set",
                "config.yaml:5:20: admin.token_env names the environment variable ADMIN_TOKEN, which is not set",
            ])
    }

    @Test func missingVariablesDoNotStopCommandsThatNeedNone() throws {
        let loaded = try Settings.load(text: text, file: nil, environment: { _ in nil }, needsSecrets: false)
        #expect(loaded.secrets == LoadedSettings.Secrets())
    }

    @Test(arguments: [
        "upstream: {api_key_env: sk-proj-hush}", "upstream: {api_key_env: hush\(String(repeating: "A", count: 60))}", "upstream: {api_key: hush}",
        "upstream: {base_url: \"https://me:hush@api/v1?\"}", "upstream: {headers: {Authorization: Bearer hush}}",
        "upstream: {headers_env: {X: hush-hush}}", "admin: {token_env: [hush]}",
        "shared: {url: \"redis://me:hush@host\"}", "shared: {url: \"redis://:hush@host/0\"}", "shared: {url: \"redis://:hu/sh-hush@host\"}",
        "shared: {url: \"postgres://host/db?password=hush\"}", "shared: {url: \"://me:hush@\"}", "shared: {url_env: \"redis://me:hush@host\"}",
    ])
    func aSecretInTheWrongPlaceIsNotRepeated(text: String) {
        let found = problems(in: text)
        #expect(found.count == 1)
        #expect(!found.joined().contains("hush"), "\(found)")
    }

    @Test func variablesInValuesAreNotExpanded() throws {
        #expect(try load("store: {path: \"${HOME}/x\"}", environment: ["HOME": "/root"]).paths.store == "${HOME}/x")
    }
}
