import Foundation

/// The words of a text as BERT's uncased models see them: cleaned, decomposed, without accents, lower-case, split at white space, at every
/// punctuation mark and at every CJK ideograph. Lazy, so that a reader who has enough stops the work.
struct BertWords: Sequence {
    private let text: String

    init(_ text: String) { self.text = text }

    func makeIterator() -> Iterator { Iterator(text) }

    struct Iterator: IteratorProtocol {
        private var scalars: String.UnicodeScalarView.Iterator
        /// Scalars made of the last one that was read and not used yet.
        private var pending: ArraySlice<Unicode.Scalar> = []
        /// A mark or an ideograph that ends the word before it and is one itself.
        private var single: Unicode.Scalar?
        /// How many scalars of the decomposed text were read.
        private var position = 0
        /// Where the scalar stands of which the last one was made.
        private var origin = 0
        /// Where the last word stands among the scalars of the decomposed text, with all that was dropped inside of it.
        private(set) var range = 0..<0

        init(_ text: String) { scalars = BertNormalisation.decomposed(text).unicodeScalars.makeIterator() }

        mutating func next() -> [Unicode.Scalar]? {
            if let single {
                self.single = nil
                range = origin..<(origin + 1)
                return [single]
            }
            var word: [Unicode.Scalar] = []
            var start = 0
            while let scalar = nextScalar() {
                switch BertNormalisation.role(of: scalar) {
                case .space:
                    if !word.isEmpty { return ended(word, start, at: origin) }
                case .single:
                    guard !word.isEmpty else { return ended([scalar], origin, at: origin + 1) }
                    single = scalar
                    return ended(word, start, at: origin)
                case .letter:
                    if word.isEmpty { start = origin }
                    word.append(scalar)
                    // Far more than any word that is looked up; what follows can only be unknown as well.
                    if word.count > 1000 { return skipRest(word, start) }
                }
            }
            return word.isEmpty ? nil : ended(word, start, at: position)
        }

        private mutating func ended(_ word: [Unicode.Scalar], _ start: Int, at end: Int) -> [Unicode.Scalar] {
            // A scalar of which several were made may end one word and begin the next.
            range = start..<Swift.max(start, end)
            return word
        }

        /// Passes over the rest of an endless word.
        private mutating func skipRest(_ word: [Unicode.Scalar], _ start: Int) -> [Unicode.Scalar] {
            while let scalar = nextScalar() {
                switch BertNormalisation.role(of: scalar) {
                case .space: return ended(word, start, at: origin)
                case .single:
                    single = scalar
                    return ended(word, start, at: origin)
                case .letter: continue
                }
            }
            return ended(word, start, at: position)
        }

        private mutating func nextScalar() -> Unicode.Scalar? {
            if let scalar = pending.popFirst() { return scalar }
            while let scalar = scalars.next() {
                position += 1
                origin = position - 1
                if scalar.isASCII, scalar.value > 0x1F, scalar.value < 0x7F {
                    let isUpper = scalar.value >= 0x41 && scalar.value <= 0x5A
                    return isUpper ? Unicode.Scalar(UInt8(scalar.value + 32)) : scalar
                }
                let made = BertNormalisation.normalised(scalar)
                guard let first = made.first else { continue }
                pending = made.dropFirst()
                return first
            }
            return nil
        }
    }
}

/// BERT's rules for single scalars.
enum BertNormalisation {
    enum Role {
        case letter
        case space
        /// A word of its own.
        case single
    }

    /// The canonical decomposition (NFD); the text itself where it is ASCII.
    static func decomposed(_ text: String) -> String {
        text.utf8.allSatisfy { $0 < 0x80 } ? text : text.decomposedStringWithCanonicalMapping
    }

    /// What a scalar of the decomposed text becomes: nothing for controls and accents, a space for white space, lower case for the rest.
    static func normalised(_ scalar: Unicode.Scalar) -> ArraySlice<Unicode.Scalar> {
        if scalar == "\t" || scalar == "\n" || scalar == "\r" { return [" "] }
        // Controls first: some of them count as white space in Unicode, and the reference drops them all the same.
        if scalar.value == 0xFFFD || isControl(scalar) { return [] }
        if scalar.properties.isWhitespace { return [" "] }
        if scalar.properties.generalCategory == .nonspacingMark { return [] }
        return ArraySlice(scalar.properties.lowercaseMapping.unicodeScalars)
    }

    static func role(of scalar: Unicode.Scalar) -> Role {
        if scalar == " " { return .space }
        if scalar.isASCII {
            switch scalar.value {
            case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return .single
            default: return .letter
            }
        }
        if isIdeograph(scalar) { return .single }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation, .otherPunctuation:
            return .single
        case .spaceSeparator, .lineSeparator, .paragraphSeparator: return .space
        default: return .letter
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse, .surrogate: true
        default: false
        }
    }

    /// CJK ideographs in BERT's sense; not kana or hangul, whose words are separated otherwise.
    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF,
            0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}
