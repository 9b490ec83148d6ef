/// A vector of length one: what an embedder makes of a text. `dimension` float32 values; cosine similarity is the dot product.
package struct UnitVector: Hashable, Sendable {
    package let components: [Float]

    /// The number of components.
    package var dimension: Int { components.count }

    /// Scales `components` to length one; `nil` when empty, when a component is not finite, or when the length is zero.
    package init?(normalizing components: [Float]) {
        var square = 0.0
        for value in components { square += Double(value) * Double(value) }
        guard square.isFinite, square > 0 else { return nil }
        let length = square.squareRoot()
        // Leaves a vector that is already of length one as it is, so that a stored vector reads back bit for bit.
        self.components = abs(length - 1) < 1e-6 ? components : components.map { Float(Double($0) / length) }
    }

    /// The cosine of the angle between the two, in -1...1; both must have the same dimension.
    package func similarity(to other: UnitVector) -> Float {
        precondition(dimension == other.dimension, "vectors of \(dimension) and \(other.dimension) components cannot be compared")
        var sum: Float = 0
        for index in components.indices { sum += components[index] * other.components[index] }
        return sum
    }
}
