package import SemanticCache

/// What a model costs, in US dollars per million tokens.
package struct ModelPrice: Hashable, Sendable {
    package let input: Double
    /// Of input tokens that the provider had in its own prompt cache.
    package let cachedInput: Double
    package let output: Double

    /// - Parameter cachedInput: `nil` where the provider makes no difference.
    package init(input: Double, cachedInput: Double? = nil, output: Double) {
        self.input = input
        self.cachedInput = cachedInput ?? input
        self.output = output
    }

    /// What `usage` costs.
    package func cost(of usage: TokenUsage) -> Money {
        let cached = min(max(0, usage.cachedPrompt), max(0, usage.prompt))
        let dollars = Double(max(0, usage.prompt) - cached) * input + Double(cached) * cachedInput + Double(max(0, usage.completion)) * output
        return Money(nanodollars: Int((dollars * 1000).rounded()))
    }
}

/// An amount of US dollars in billionths, so that a single cheap token is not rounded away and sums are exact.
package struct Money: Hashable, Comparable, Sendable {
    package var nanodollars: Int

    package static let zero = Money(nanodollars: 0)

    package init(nanodollars: Int) { self.nanodollars = nanodollars }

    /// The amount in dollars.
    package var dollars: Double { Double(nanodollars) / 1_000_000_000 }

    package static func < (a: Self, b: Self) -> Bool { a.nanodollars < b.nanodollars }
    package static func + (a: Self, b: Self) -> Self { Money(nanodollars: a.nanodollars &+ b.nanodollars) }
    package static func - (a: Self, b: Self) -> Self { Money(nanodollars: a.nanodollars &- b.nanodollars) }
}
