/// Takes contractions and possessives apart: "don't" is "do not", "what's" is "what", "France's" is "france".
enum Contraction {
    /// The words of one written word. `apostrophe` is the index of the first apostrophe inside it.
    static func words(_ scalars: ArraySlice<Unicode.Scalar>, apostrophe: Int?) -> [String] {
        guard let apostrophe else {
            let word = FoldedText.string(scalars)
            return word.utf8.last == UInt8(ascii: "t") ? unwritten[word] ?? [word] : [word]
        }
        let base = FoldedText.string(scalars[..<apostrophe])
        let suffix = FoldedText.string(scalars[(apostrophe + 1)...])
        switch suffix {
        case "s", "m", "re", "ve", "ll", "d": return [base]
        case "t" where base.hasSuffix("n"): return [irregular[base] ?? String(base.dropLast()), "not"]
        default: return [base + "'" + suffix]
        }
    }

    private static let irregular = ["can": "can", "won": "will", "shan": "shall", "ain": "is"]

    /// Contractions typed without the apostrophe.
    private static let unwritten: [String: [String]] = [
        "cannot": ["can", "not"], "cant": ["can", "not"], "wont": ["will", "not"], "dont": ["do", "not"], "doesnt": ["does", "not"],
        "didnt": ["did", "not"], "isnt": ["is", "not"], "arent": ["are", "not"], "wasnt": ["was", "not"], "couldnt": ["could", "not"],
        "shouldnt": ["should", "not"], "wouldnt": ["would", "not"], "havent": ["have", "not"], "hasnt": ["has", "not"],
    ]
}
