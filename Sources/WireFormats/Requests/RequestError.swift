/// What is wrong with a request's body or controls: the client's fault, a 400.
package struct RequestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was expected and what came, for people.
    package let message: String
    /// The member or header field at fault, as OpenAI's `param`: `messages[2].role`.
    package let param: String?

    package init(_ message: String, param: String? = nil) {
        self.message = message
        self.param = param
    }

    package var description: String { param.map { "\(message) (\($0))" } ?? message }
}
