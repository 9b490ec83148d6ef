import Testing
@testable import WireFormats

struct CreationTimesTests {
    @Test(arguments: [
        (#"{"id":"c","created":1790000000,"choices":[]}"#, #"{"id":"c","created":1790000090,"choices":[]}"#),
        ("{\n  \"created\" :\n 1790000000\n}", "{\n  \"created\" :\n 1790000090\n}"),
        (#"{"created_at":1790000000.0,"completed_at":1790000005}"#, #"{"created_at":1790000090.0,"completed_at":1790000095}"#),
        (
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"created_at\":1790000000}}\n\n",
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"created_at\":1790000090}}\n\n"
        ),
        // A comment that breaks off within quotes or braces touches nothing behind it.
        (
            ": it's \"odd {\n\ndata: {\"created\":1790000000}\n\ndata: [DONE]\n\n",
            ": it's \"odd {\n\ndata: {\"created\":1790000090}\n\ndata: [DONE]\n\n"
        ),
    ])
    func areMoved(text: String, expected: String) {
        #expect(String(decoding: CreationTimes.moved(Array(text.utf8), by: 90), as: UTF8.self) == expected)
    }

    @Test(arguments: [
        #"{"choices":[{"message":{"content":"\"created\":1790000000"}}]}"#, #"{"a":{"b":{"created":1790000000}}}"#, #"{"created":"1790000000"}"#,
        #"{"created":null,"created_at":-5}"#, #"{"created":9}"#, #"{"what":"created"}"#, #"{"created""#, #"{"created":"#,
        #"{"created":99999999999999999999}"#, "\"", "",
    ])
    func nothingElseIs(text: String) {
        #expect(String(decoding: CreationTimes.moved(Array(text.utf8), by: 90), as: UTF8.self) == text)
    }
}
