/// What an ask looks like, told from its first words and its last mark; and the labels that name it.
enum AskForm {
    /// The longest ask, in bytes.
    static let longest = 1200

    /// Whether a line or paragraph asks for something.
    static func isAsk(_ text: String) -> Bool {
        guard text.utf8.count <= longest else { return false }
        var end = text[...]
        while let last = end.last, last.isWhitespace || closings.contains(last) { end.removeLast() }
        if let last = end.last, questionMarks.contains(last) { return true }
        let words = firstWords(text)
        guard let first = words.first(where: { !WordLists.shared.courtesy.contains($0) }) else { return false }
        if openings.contains(first) { return true }
        // "I want to know", "I need a summary".
        return first == "i" && words.count > 2 && ["want", "need", "would", "like", "wonder", "am"].contains(words[1])
    }

    /// Whether the text holds more than greetings and thanks.
    static func hasContent(_ text: Substring) -> Bool {
        let words = firstWords(String(text), count: 24)
        return words.isEmpty
            ? text.unicodeScalars.contains { PromptLexer.isWordScalar($0) }
            : words.contains { !WordLists.shared.courtesy.contains($0) && !greetings.contains($0) }
    }

    /// A label that names the ask ("Question:", "### Task", "Q."), at the start of a line: how many bytes it takes.
    static func askLabel(_ line: String) -> Int? { label(line, askLabels) }

    /// A label that names what follows the ask ("Answer:", "A:").
    static func answerLabel(_ line: String) -> Int? { label(line, answerLabels) }

    /// A label of any field ("Context:", "Email:"), which ends the field before it.
    static func fieldLabel(_ line: String) -> Int? { label(line, nil) }

    private static func label(_ line: String, _ names: Set<String>?) -> Int? {
        let bytes = Array(line.utf8.prefix(60))
        var start = 0
        while start < bytes.count, " \t#*>-_=[<".utf8.contains(bytes[start]) { start += 1 }
        let isHeading = bytes.prefix(start).contains(0x23)
        var end = start
        while end < bytes.count, bytes[end] | 0x20 >= 0x61 && bytes[end] | 0x20 <= 0x7A || bytes[end] == 0x20 && end > start { end += 1 }
        var name = String(decoding: bytes[start..<end], as: UTF8.self).lowercased()
        while name.hasSuffix(" ") { name.removeLast() }
        guard !name.isEmpty, name.utf8.count <= 24 else { return nil }
        while end < bytes.count, "*_]> \t".utf8.contains(bytes[end]) { end += 1 }
        let hasColon = end < bytes.count && bytes[end] == 0x3A
        guard hasColon || isHeading && end >= min(line.utf8.count, 60) else { return nil }
        if hasColon { end += 1 }
        while end < bytes.count, "* \t_".utf8.contains(bytes[end]) { end += 1 }
        guard let names else { return name.split(separator: " ").count <= 2 ? end : nil }
        return names.contains(name) ? end : nil
    }

    private static let askLabels: Set<String> = [
        "question", "q", "task", "ask", "query", "instruction", "instructions", "request", "user question", "user query", "my question",
        "the question",
        "your task", "prompt", "problem", "frage", "aufgabe", "pregunta", "domanda", "vraag", "user", "human",
    ]
    private static let answerLabels: Set<String> = [
        "answer", "a", "response", "assistant", "output", "reply", "result", "your answer", "antwort", "respuesta", "solution", "ai", "final answer",
    ]

    private static func firstWords(_ text: String, count: Int = 8) -> [String] {
        var words: [String] = []
        var word = ""
        for byte in text.utf8.prefix(400) {
            if byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x80 || byte >= 0x30 && byte <= 0x39 {
                word.unicodeScalars.append(Unicode.Scalar(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte))
            } else if !word.isEmpty {
                words.append(word)
                word = ""
                if words.count == count { return words }
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }

    private static let questionMarks: Set<Character> = ["?", "？", "؟", "՞"]
    private static let closings: Set<Character> = ["\"", "'", ")", "]", "*", "_", "!", "`", "”", "’", "»"]
    private static let greetings: Set<String> = [
        "there", "all", "everybody", "good", "morning", "afternoon", "evening", "day", "you", "in", "advance", "so", "much", "a", "lot", "very",
        "for", "your", "help", "the", "many", "best", "kind", "appreciate", "it",
    ]

    /// What a request begins with.
    private static let openings: Set<String> = [
        "what", "which", "who", "whom", "whose", "when", "where", "why", "how", "is", "are", "was", "were", "do", "does", "did", "can", "could",
        "will",
        "would", "should", "shall", "may", "has", "have", "had", "must", "summarise", "summarize", "translate", "explain", "describe", "list", "name",
        "find", "give", "make", "turn", "rewrite", "rephrase", "paraphrase", "shorten", "expand", "fix", "correct", "proofread", "debug", "suggest",
        "recommend", "count", "convert", "extract", "identify", "tell", "show", "compare", "write", "draft", "compose", "create", "generate",
        "classify",
        "review", "analyse", "analyze", "check", "improve", "simplify", "refactor", "add", "remove", "sort", "calculate", "compute", "solve",
        "answer",
        "evaluate", "format", "complete", "continue", "reply", "respond", "highlight", "outline", "detect", "choose", "pick",
        "determine", "decide", "based", "according", "using", "say", "replace", "define", "optimise", "optimize", "implement", "tl", "tldr", "set",
        "change",
        "extend", "annotate", "rename", "split", "merge", "update",
    ]
}
