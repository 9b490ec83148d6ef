/// A block of numbers with a name and a shape that goes into a model or comes out of it.
///
/// `@unchecked Sendable`: whoever made it is its only user.
final class OnnxTensor: @unchecked Sendable {
    let name: StaticString
    let shape: [Int64]
    /// ONNX's number for the type of the elements.
    let kind: Int32
    let memory: UnsafeMutableRawBufferPointer

    private init(_ name: StaticString, kind: Int32, shape: [Int], byteCount: Int) {
        self.name = name
        self.kind = kind
        self.shape = shape.map(Int64.init)
        memory = .allocate(byteCount: byteCount, alignment: 64)
    }

    /// An input: as many values as the shape has places.
    convenience init<Element: OnnxElement>(_ name: StaticString, _ values: [Element], shape: [Int]) {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values do not fill the shape \(shape)")
        self.init(name, kind: Element.onnxKind, shape: shape, byteCount: values.count * MemoryLayout<Element>.stride)
        values.withUnsafeBytes { memory.copyMemory(from: $0) }
    }

    /// Room for an output.
    convenience init<Element: OnnxElement>(_ name: StaticString, roomFor: Element.Type, shape: [Int]) {
        self.init(name, kind: Element.onnxKind, shape: shape, byteCount: shape.reduce(1, *) * MemoryLayout<Element>.stride)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { memory.deallocate() }

    /// The values, row by row.
    func values<Element: OnnxElement>(as: Element.Type = Element.self) -> [Element] {
        precondition(Element.onnxKind == kind, "the tensor \(name) holds another type")
        return Array(memory.bindMemory(to: Element.self))
    }
}

/// A type of numbers that models take and give.
protocol OnnxElement: BitwiseCopyable {
    static var onnxKind: Int32 { get }
}

extension Float: OnnxElement {
    static var onnxKind: Int32 { 1 }
}

extension UInt8: OnnxElement {
    static var onnxKind: Int32 { 2 }
}

extension Int64: OnnxElement {
    static var onnxKind: Int32 { 7 }
}
