/// The canonical form of a JSON number (RFC 8785, section 3.2.2.3), from its source text.
///
/// Numbers of up to 15 significant digits are put in ECMAScript's layout from their own digits: for those the shortest text that reads back as
/// the same double is the number itself. Longer fractions go through the double. Where the double would lose what a server may still see
/// (integers beyond 2^53, magnitudes outside the range of a double) the exact digits are kept, against the RFC: two requests that differ
/// must not share a key.
enum CanonicalNumber {
    /// Appends the canonical form of `source`, which is a valid JSON number.
    static func append(_ source: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        // Most numbers in requests are short integers, which are canonical as they stand.
        if source.count <= 15, source[0] != UInt8(ascii: "-"), source.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) {
            output.append(contentsOf: source)
            return
        }
        var decimal = Decimal(source)
        guard !decimal.digits.isEmpty else {
            output.append(UInt8(ascii: "0"))
            return
        }
        if decimal.digits.count > 15, decimal.hasFraction, let double = Double(String(decoding: source, as: UTF8.self)),
            double.isFinite, double != 0, double.magnitude < 0x1p53
        {
            decimal = Decimal(shortest: double)
        }
        decimal.append(to: &output)
    }
}

/// A decimal number: its significant digits without zeros at either end, and where the point stands.
private struct Decimal {
    var isNegative = false
    /// ASCII digits; empty for zero.
    var digits: [UInt8] = []
    /// The value is `0.digits` times ten to this power (the `n` of ECMAScript's Number::toString).
    var pointPosition = 0

    /// Whether a part of the number stands after the point.
    var hasFraction: Bool { digits.count > pointPosition }

    init(shortest double: Double) {
        // Swift's description of a double is the shortest text that reads back as it; only its layout differs from ECMAScript's.
        var text = double.description
        self = text.withUTF8 { Decimal($0) }
    }

    init(_ source: UnsafeBufferPointer<UInt8>) {
        var index = 0
        if source[0] == UInt8(ascii: "-") {
            isNegative = true
            index = 1
        }
        var seenPoint = false
        while index < source.count {
            let byte = source[index]
            if byte == UInt8(ascii: ".") {
                seenPoint = true
            } else if byte | 0x20 == UInt8(ascii: "e") {
                break
            } else if byte == UInt8(ascii: "0"), digits.isEmpty {
                if seenPoint { pointPosition -= 1 }
            } else {
                digits.append(byte)
                if !seenPoint { pointPosition += 1 }
            }
            index += 1
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        guard index < source.count, !digits.isEmpty else { return }
        index += 1
        let isDown = source[index] == UInt8(ascii: "-")
        if isDown || source[index] == UInt8(ascii: "+") { index += 1 }
        var exponent = 0
        for byte in source[index...] {
            // An exponent of more digits than this names no number that anyone holds; it stays distinct up to here.
            guard exponent < 1_000_000_000_000_000 else { break }
            exponent = exponent * 10 + Int(byte - UInt8(ascii: "0"))
        }
        pointPosition += isDown ? -exponent : exponent
    }

    /// Appends the number in the layout of ECMAScript's Number::toString.
    func append(to output: inout [UInt8]) {
        let count = digits.count
        if isNegative { output.append(UInt8(ascii: "-")) }
        switch pointPosition {
        case count...max(count, 21) where pointPosition <= 21:
            output += digits
            for _ in 0..<(pointPosition - count) { output.append(UInt8(ascii: "0")) }
        case 1..<max(count, 1) where pointPosition <= 21:
            output += digits[..<pointPosition]
            output.append(UInt8(ascii: "."))
            output += digits[pointPosition...]
        case -5...0:
            output += [UInt8(ascii: "0"), UInt8(ascii: ".")]
            for _ in 0..<(-pointPosition) { output.append(UInt8(ascii: "0")) }
            output += digits
        default:
            output.append(digits[0])
            if count > 1 {
                output.append(UInt8(ascii: "."))
                output += digits[1...]
            }
            output.append(UInt8(ascii: "e"))
            output.append(pointPosition > 0 ? UInt8(ascii: "+") : UInt8(ascii: "-"))
            output += Array(String((pointPosition - 1).magnitude).utf8)
        }
    }
}
