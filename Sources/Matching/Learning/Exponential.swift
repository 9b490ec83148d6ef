/// Exponential and logarithm without a C library, so that equal inputs give equal bits on every system.
enum Exponential {
    private static let ln2High = 0x1.62e42fee00000p-1
    private static let ln2Low = 0x1.a39ef35793c76p-33

    /// e to the power of `x`, true to a few units in the last place.
    static func exp(_ x: Double) -> Double {
        guard !x.isNaN else { return x }
        guard x < 709 else { return .infinity }
        guard x > -708 else { return 0 }
        let power = (x * 1.4426950408889634).rounded()
        let rest = (x - power * ln2High) - power * ln2Low
        // Taylor's series on |rest| <= ln 2 / 2: the fifteenth term is below the last bit.
        var sum = 1.0
        var term = 1.0
        for step in 1...15 {
            term *= rest / Double(step)
            sum += term
        }
        return sum * Double(sign: .plus, exponent: Int(power), significand: 1)
    }

    /// The natural logarithm of `x`, true to a few units in the last place.
    static func ln(_ x: Double) -> Double {
        guard x > 0 else { return x == 0 ? -.infinity : .nan }
        guard x.isFinite else { return x }
        var exponent = Double(x.exponent)
        var mantissa = x.significand
        if mantissa > 1.4142135623730951 {
            mantissa /= 2
            exponent += 1
        }
        // ln m = 2 artanh((m - 1) / (m + 1)), with |argument| <= 0.172.
        let argument = (mantissa - 1) / (mantissa + 1)
        let square = argument * argument
        var sum = 0.0
        var term = argument
        var divisor = 1.0
        for _ in 0..<12 {
            sum += term / divisor
            term *= square
            divisor += 2
        }
        return 2 * sum + exponent * ln2Low + exponent * ln2High
    }
}
