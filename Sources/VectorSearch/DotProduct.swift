/// The dot product of two vectors of floats.
enum DotProduct {
    /// The sum of the products of the first `count` floats of each; both must hold as many.
    ///
    /// Sixteen lanes in two sums: the additions of one do not wait for the other's.
    @inline(__always)
    static func of(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
        let left = UnsafeRawPointer(a)
        let right = UnsafeRawPointer(b)
        var even = SIMD16<Float>.zero
        var odd = SIMD16<Float>.zero
        var index = 0
        while index + 32 <= count {
            let offset = index * 4
            even +=
                left.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
                * right.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
            odd +=
                left.loadUnaligned(fromByteOffset: offset + 64, as: SIMD16<Float>.self)
                * right.loadUnaligned(fromByteOffset: offset + 64, as: SIMD16<Float>.self)
            index += 32
        }
        var sum = (even + odd).sum()
        while index < count {
            sum += a[index] * b[index]
            index += 1
        }
        return sum
    }
}
