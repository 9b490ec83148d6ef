import Cache
import Proxy
import SemanticCache
import Telemetry
import Testing
import TestSupport

struct SensitiveTextTests {
    @Test(arguments: [
        ("my key is sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2", SensitiveKind.keys), (#"{"content":"line\nsk-ant-api03-a1B2c3D4e5F6g7H8i9J0"}"#, .keys),
        ("AKIAIOSFODNN7EXAMPLE is it", .keys), ("ghp_0123456789abcdefghijABCDEFGHIJ012345", .keys), ("-----BEGIN RSA PRIVATE KEY-----", .keys),
        ("token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", .keys),
        ("pay with 4111 1111 1111 1111 please", .cards), ("5500-0000-0000-0004", .cards), ("378282246310005", .cards),
        ("write to jo.doe+x@mail.example.org today", .emails), ("a@b.co", .emails),
    ])
    func found(text: String, kind: SensitiveKind) {
        #expect(SensitiveText.find(Set(SensitiveKind.allCases), in: Array(text.utf8)) == kind)
    }

    @Test(arguments: [
        "the task-runner-with-a-very-long-name-2000 failed", "sk-learn pipelines", "sk-learn-pipelines-and-many-more-words",
        "order 4111 1111 1111 1112",
        "1234567890123456", "0000 0000 0000 0000", "call 0049 30 1234567", "pi is 3.141592653589793", "id a4111111111111111", "user@host",
        "a @ b.com",
        "@decorator.method", "eyJhbGci.short.x", "the price of 4111 shares in 2024",
    ])
    func notFound(text: String) {
        #expect(SensitiveText.find(Set(SensitiveKind.allCases), in: Array(text.utf8)) == nil)
    }

    /// Clients differ in what they write as escapes; what is looked for is the text.
    @Test(arguments: [
        #"{"content":"of M\u00fcller & Sons"}"#, #"{"content":"of Müller & Sons"}"#, #"{"content":"the so-called \"blue\" file"}"#,
        #"{"content":"the \u0062lue file \ud83d\ude80"}"#, #"{"content":"card 4111\u00201111\u00201111\u00201111"}"#,
        #"{"content":"a\u0040b.example.org"}"#, #"{"content":"first\n\tPROJECT: falcon"}"#,
    ])
    func whatIsEscapedIsFound(body: String) {
        let policy = StoragePolicy(patterns: ["Müller", "\"blue\"|🚀", #"\sPROJECT:\s"#], kinds: [.cards, .emails])
        #expect(!policy.allowsStoring(Array(body.utf8)))
        #expect(policy.allowsStoring(Array(#"{"content":"nothing of that \\u00fc, \"green\""}"#.utf8)))
    }

    @Test func suchRequestsAreAnsweredAndNeverStored() async {
        var options = PipelineOptions.shipped
        options.storage.kinds = [.cards]
        options.storage.patterns = ["(?i)confidential"]
        let bench = ProxyBench(options: options)
        for question in ["charge 4111 1111 1111 1111", "this is CONFIDENTIAL stuff"] {
            for _ in 0..<2 {
                let answer = await bench.ask(question)
                #expect(answer.status == 200 && answer.cacheStatus == "reprise; fwd=miss")
            }
        }
        #expect(bench.cache.count == 0)
        #expect(bench.upstream.calls.count == 4)
        #expect(bench.metrics.snapshot.notStored[.sensitive] == 4)
        // What they cost was spent all the same.
        #expect(bench.metrics.snapshot.spentPromptTokens == 4 * 9)
        #expect(await bench.ask("charge my card").cacheStatus == "reprise; fwd=miss; stored")
        #expect(bench.cache.count == 1)
    }
}
