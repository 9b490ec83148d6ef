import CSimilarity
import SemanticCache

// Making scopes of a snapshot's bytes. Whoever gives the bytes answers for them being what was written; counts and links are checked all the same,
// so that no fault of a writer leads a search out of its memory.

extension ScopedIndex {
    typealias SnapshotSource = (UnsafeMutableRawBufferPointer) throws -> Void

    /// All scopes of a snapshot, not findable yet.
    func scopes(from source: SnapshotSource) throws -> [ScopeVectors] {
        guard try number(UInt64.self, source) == SnapshotForm.mark else { throw SnapshotError.damaged("it is no snapshot of an index") }
        let (components, part) = (try number(UInt32.self, source), try number(UInt32.self, source))
        guard components == UInt32(dimension), part == UInt32(padded) else {
            throw SnapshotError.damaged("its vectors have \(components) components, expected \(dimension)")
        }
        var found: [ScopeVectors] = []
        var names: Set<Scope> = []
        while true {
            let byte = try number(UInt8.self, source)
            guard let kind = SnapshotForm.Kind(rawValue: byte) else { throw SnapshotError.damaged("a scope of kind \(byte)") }
            switch kind {
            case .end: return found
            case .scanned: found.append(try scanned(source))
            case .linked: found.append(try linked(source))
            }
            // Each of them would take over all vectors of those before it.
            if let scope = found.last?.scope, !names.insert(scope).inserted { throw SnapshotError.damaged("a scope that is there twice") }
        }
    }

    private func scanned(_ source: SnapshotSource) throws -> ScopeVectors {
        let scope = try name(source)
        let count = Int(try number(UInt32.self, source))
        var blocks: [VectorBlock] = []
        for first in stride(from: 0, to: count, by: VectorLayout.blockCapacity) {
            let capacity = count <= VectorLayout.blockCapacity ? count : VectorLayout.blockCapacity
            let block = VectorBlock(capacity: capacity, padded: padded, ledger: ledger)
            try fill(block.pointers(nil), min(count - first, VectorLayout.blockCapacity), source)
            blocks.append(block)
        }
        return ScopeVectors(
            scope: scope, shard: Self.shardIndex(scope), layout: VectorLayout(blocks: blocks, links: [], padded: padded), slotCount: count,
            linkedCount: 0, refilled: [], graph: nil, ledger: ledger, stamp: epochs.stamp)
    }

    private func linked(_ source: SnapshotSource) throws -> ScopeVectors {
        let scope = try name(source)
        let (slotCount, linkedCount) = (Int(try number(UInt32.self, source)), Int(try number(UInt32.self, source)))
        let (entry, top) = (Int(try number(UInt32.self, source)) - 1, Int(try number(UInt32.self, source)))
        guard linkedCount <= slotCount else { throw SnapshotError.damaged("\(linkedCount) of \(slotCount) slots are linked") }
        let graph = HNSWGraph(buildWidth: tuning.buildWidth, ledger: ledger)
        var (blocks, links): ([VectorBlock], [LinkBlock]) = ([], [])
        for first in stride(from: 0, to: slotCount, by: VectorLayout.blockCapacity) {
            let block = VectorBlock(capacity: VectorLayout.blockCapacity, padded: padded, ledger: ledger)
            let lists = LinkBlock(capacity: VectorLayout.blockCapacity, ledger: ledger)
            let count = min(slotCount - first, VectorLayout.blockCapacity)
            let pointers = block.pointers(lists)
            try fill(pointers, count, source)
            try source(UnsafeMutableRawBufferPointer(start: pointers.links, count: count * HNSWGraph.baseStride * 4))
            var heights = [UInt8](repeating: 0, count: count)
            try heights.withUnsafeMutableBytes { try source($0) }
            for (row, height) in heights.enumerated() where height > 0 {
                guard height <= HNSWGraph.layerLimit else { throw SnapshotError.damaged("a slot of \(height) layers") }
                let record = graph.uppers.allocate(height: Int(height))
                cell_store(pointers.uppers + row, record)
                for layer in 1...Int(height) {
                    try source(UnsafeMutableRawBufferPointer(start: graph.uppers.list(record, layer), count: HNSWGraph.upperStride * 4))
                }
            }
            blocks.append(block)
            links.append(lists)
        }
        let layout = VectorLayout(blocks: blocks, links: links, padded: padded)
        check(graph, layout, slotCount, linkedCount)
        let refilled = try unlink(graph, layout, slotCount, linkedCount, entry)
        if entry >= 0, entry < linkedCount, top <= graph.layer(of: entry, layout) {
            graph.setEntryPoint(entry, layer: top)
        } else if linkedCount > 0 {
            throw SnapshotError.damaged("a graph without a way in")
        }
        return ScopeVectors(
            scope: scope, shard: Self.shardIndex(scope), layout: layout, slotCount: slotCount, linkedCount: linkedCount, refilled: refilled,
            graph: graph,
            ledger: ledger, stamp: epochs.stamp)
    }

    /// Takes out of every list what cannot be a neighbour there.
    private func check(_ graph: HNSWGraph, _ layout: VectorLayout, _ slotCount: Int, _ linkedCount: Int) {
        for slot in 0..<slotCount {
            for layer in 0...graph.layer(of: slot, layout) {
                let list = graph.list(slot, layer, layout)
                let length = min(Int(list[0]), layer == 0 ? HNSWGraph.baseDegree : HNSWGraph.degree)
                var kept = 0
                for index in 0..<length {
                    let neighbour = Int(list[index + 1])
                    guard slot < linkedCount, neighbour < linkedCount, layer == 0 || graph.layer(of: neighbour, layout) >= layer else { continue }
                    list[kept + 1] = UInt32(neighbour)
                    kept += 1
                }
                list[0] = UInt32(kept)
            }
        }
    }

    /// The slots that hold a vector and have no neighbours: reused and not linked again when the snapshot was written. They must be outside of the
    /// graph before they are linked, so no list leads there and they have no lists of their own. The entry point is inside, with or without neighbours.
    private func unlink(_ graph: HNSWGraph, _ layout: VectorLayout, _ slotCount: Int, _ linkedCount: Int, _ entry: Int) throws -> [UInt32] {
        let refilled = (0..<linkedCount).filter { $0 != entry && layout.id($0) >= 0 && cell_load(layout.baseLinks($0)) == 0 }
        guard !refilled.isEmpty else { return [] }
        // Each search looks at all of them. A writer leaves no more than may wait, and the few that a repair could not place.
        guard refilled.count <= 2 * ScopeVectors.refillLimit else { throw SnapshotError.damaged("\(refilled.count) slots without neighbours") }
        for slot in refilled {
            graph.uppers.release(cell_load(layout.upper(slot)))
            cell_store(layout.upper(slot), 0)
        }
        let outside = Set(refilled.map { UInt32($0) })
        for slot in 0..<linkedCount {
            for layer in 0...graph.layer(of: slot, layout) {
                let list = graph.list(slot, layer, layout)
                var kept = 0
                for index in 0..<Int(list[0]) where !outside.contains(list[index + 1]) {
                    list[kept + 1] = list[index + 1]
                    kept += 1
                }
                list[0] = UInt32(kept)
            }
        }
        return Array(outside)
    }

    /// Reads what stands for `count` slots of one block.
    private func fill(_ block: VectorBlock.Pointers, _ count: Int, _ source: SnapshotSource) throws {
        try source(UnsafeMutableRawBufferPointer(start: block.ids, count: count * MemoryLayout<Int64>.stride))
        try source(UnsafeMutableRawBufferPointer(start: block.scales, count: count * MemoryLayout<Float>.stride))
        try source(UnsafeMutableRawBufferPointer(start: block.coarse, count: count * padded))
        try source(UnsafeMutableRawBufferPointer(start: block.fine, count: count * padded / 2))
        for row in 0..<count where !(CodedVector.scales.contains(block.scales[row]) && block.ids[row] >= -1) {
            throw SnapshotError.damaged("a vector without an id, or with a scale that no unit vector has")
        }
    }

    private func name(_ source: SnapshotSource) throws -> Scope {
        var bytes = [UInt8](repeating: 0, count: Digest256.byteCount)
        try bytes.withUnsafeMutableBytes { try source($0) }
        guard let digest = Digest256(bytes: bytes) else { throw SnapshotError.damaged("a scope without a name") }
        return Scope(digest)
    }

    private func number<Number: FixedWidthInteger>(_ type: Number.Type, _ source: SnapshotSource) throws -> Number {
        var value: Number = 0
        try withUnsafeMutableBytes(of: &value) { try source($0) }
        return Number(littleEndian: value)
    }
}
