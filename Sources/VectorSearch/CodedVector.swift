import CSimilarity
import SemanticCache

/// A unit vector in twelve bits a component: a signed byte and a remainder of four bits, times one scale.
///
/// A component reads back as `scale · (coarse + (remainder − 7.5) / 16)`. The coarse parts alone give similarities with an error of about
/// 5e-4, enough to walk a graph by; with the remainders the error is below 1e-4, which is what callers see.
struct CodedVector {
    /// The components, followed by zeros up to a multiple of 32.
    let values: [Float]
    /// As many as `values`, within -127...127.
    private(set) var coarse: [Int8]
    /// Two remainders a byte, in the order that `CSimilarity` reads.
    private(set) var fine: [UInt8]
    let scale: Float
    /// What the constant part of the remainders adds to a product with these values.
    private let offset: Float

    /// The scales that unit vectors have, a little rounding allowed for; with others similarities may have no end.
    static let scales: ClosedRange<Float> = 0...1.01 / 127

    /// The length of the coarse part of vectors with `dimension` components: a multiple of 32.
    static func paddedCount(_ dimension: Int) -> Int { (dimension + 31) / 32 * 32 }

    init(_ vector: UnitVector) {
        let count = Self.paddedCount(vector.dimension)
        values = vector.components + [Float](repeating: 0, count: count - vector.dimension)
        var largest: Float = 0
        var sum: Float = 0
        for value in values {
            largest = max(largest, abs(value))
            sum += value
        }
        scale = largest / 127
        offset = 7.5 * sum
        coarse = [Int8](repeating: 0, count: count)
        fine = [UInt8](repeating: 0, count: count / 2)
        for (index, value) in values.enumerated() {
            let exact = value / scale
            let whole = exact.rounded()
            coarse[index] = Int8(max(-127, min(127, whole)))
            let remainder = UInt8(max(0, min(15, (exact - whole + 0.5) * 16)))
            fine[index / 32 * 16 + index % 16] |= index % 32 < 16 ? remainder : remainder << 4
        }
    }

    /// How far apart two coarse similarities may be in either direction before their order can be trusted: eight standard deviations of the
    /// difference of two such errors, of this vector and of ones with the same scale.
    var margin: Float { 8 * scale * Float(4.0 / 12).squareRoot() }

    /// The cosine similarity to a stored vector.
    func similarity(coarse: UnsafePointer<Int8>, fine: UnsafePointer<UInt8>, scale: Float) -> Float {
        (similarity_fine(values, coarse, fine, values.count) - offset) * scale / 16
    }
}
