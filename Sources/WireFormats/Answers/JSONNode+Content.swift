import SemanticCache

/// Whether there is anything in what an answer says.
extension JSONNode {
    /// Members that say what something is, and not what it holds.
    private static let labels: [StaticString] = ["role", "type", "id", "index", "status", "object", "phase"]

    /// Whether a value holds a text that is not empty, or a number, in anything but a label.
    ///
    /// - Complexity: as far as the first.
    var saysSomething: Bool {
        switch kind {
        case .string: !(text?.isEmpty ?? true)
        case .number: true
        case .array: elements.contains(where: \.saysSomething)
        case .object: saysSomething(besides: [])
        case .null, .true, .false: false
        }
    }

    /// The same for an object, passing over more labels.
    func saysSomething(besides more: [StaticString]) -> Bool {
        members.contains { name, value in
            !Self.labels.contains { name.isString($0) } && !more.contains { name.isString($0) } && value.saysSomething
        }
    }

    /// Refuses an answer in whose place a status stands: MiniMax's `base_resp` says what went wrong under HTTP's 200.
    func checkStatus() throws(NotStoredReason) {
        guard let status = self["base_resp"]?["status_code"], !status.isNull, status.int != 0, !status.isString("0") else { return }
        throw .emptyAnswer
    }

    /// Refuses a choice that holds an error in place of an answer.
    func checkError() throws(NotStoredReason) {
        if let error = self["error"], !error.isNull { throw .emptyAnswer }
    }
}
