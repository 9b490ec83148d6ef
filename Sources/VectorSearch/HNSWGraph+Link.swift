import CSimilarity

// Changes of the graph. All of these are called by the holder of the index's `mutation` lock.

extension HNSWGraph {
    /// A slot and its similarity to another.
    struct Candidate {
        let slot: Int
        let similarity: Float
    }

    /// Connects a slot that holds a vector and has no lists yet (the paper's algorithm 1). Where no neighbour is left to connect it to, says so and
    /// changes nothing.
    func link(_ slot: Int, layout: VectorLayout, slotCount: Int, scratch: SearchScratch) -> Bool {
        let height = drawLayer()
        guard let (start, top) = entryPoint else {
            giveLists(to: slot, height: height, layout)
            setEntryPoint(slot, layer: height)
            return true
        }
        var nearest = descend(layout.coarse(slot), from: start, top, to: min(height, top), layout, slotCount, scratch)
        var chosen: [[Candidate]] = []
        for layer in stride(from: min(height, top), through: 0, by: -1) {
            chosen.append(neighbours(of: slot, from: &nearest, layer: layer, layout, slotCount, scratch))
        }
        guard chosen.last?.isEmpty == false else { return false }
        giveLists(to: slot, height: height, layout)
        for (layer, neighbours) in chosen.reversed().enumerated() { join(slot, neighbours, layer: layer, layout, scratch) }
        if height > top { setEntryPoint(slot, layer: height) }
        return true
    }

    /// Connects a slot anew on the lowest layer when its neighbours are all gone; whether it has any then.
    func rejoin(_ slot: Int, layout: VectorLayout, slotCount: Int, scratch: SearchScratch) -> Bool {
        guard let (start, top) = entryPoint else { return false }
        var nearest = descend(layout.coarse(slot), from: start, top, to: 0, layout, slotCount, scratch)
        let chosen = neighbours(of: slot, from: &nearest, layer: 0, layout, slotCount, scratch)
        guard !chosen.isEmpty else { return false }
        join(slot, chosen, layer: 0, layout, scratch)
        return true
    }

    private func giveLists(to slot: Int, height: Int, _ layout: VectorLayout) {
        uppers.release(cell_load(layout.upper(slot)))
        cell_store(layout.baseLinks(slot), 0)
        cell_store(layout.upper(slot), height == 0 ? 0 : uppers.allocate(height: height))
    }

    /// The neighbours that a slot should have on a layer, of those that a walk finds there. `nearest` moves to the best that it met.
    private func neighbours(
        of slot: Int, from nearest: inout Int, layer: Int, _ layout: VectorLayout, _ slotCount: Int, _ scratch: SearchScratch
    ) -> [Candidate] {
        walk(layout.coarse(slot), from: nearest, width: buildWidth, layer: layer, layout, slotCount, scratch)
        var candidates: [Candidate] = []
        candidates.reserveCapacity(scratch.beam.count)
        let scale = layout.scale(slot).pointee
        for index in 0..<scratch.beam.count {
            let candidate = scratch.beam.slot(index)
            if candidate != slot, layout.id(candidate) >= 0 {
                candidates.append(Candidate(slot: candidate, similarity: scratch.beam.similarity(index) * scale))
            }
        }
        nearest = scratch.beam.slot(0)
        return choose(candidates, limit: Self.degree, layout, scratch)
    }

    private func join(_ slot: Int, _ neighbours: [Candidate], layer: Int, _ layout: VectorLayout, _ scratch: SearchScratch) {
        write(neighbours.map(\.slot), to: list(slot, layer, layout))
        for neighbour in neighbours { connect(neighbour.slot, to: slot, neighbour.similarity, layer: layer, layout, scratch) }
    }

    /// Picks at most `limit` of the candidates, nearest first, leaving out those that are nearer to one already picked: links in all directions
    /// rather than to one cluster (the paper's algorithm 4).
    func choose(_ candidates: [Candidate], limit: Int, _ layout: VectorLayout, _ scratch: SearchScratch) -> [Candidate] {
        var chosen: [Candidate] = []
        chosen.reserveCapacity(limit)
        for candidate in candidates {
            if chosen.count == limit { break }
            let part = UnsafePointer(layout.coarse(candidate.slot))
            let scale = layout.scale(candidate.slot).pointee
            let isCovered = chosen.contains { other in
                Float(similarity_coarse(part, layout.coarse(other.slot), layout.padded)) * scale * layout.scale(other.slot).pointee
                    >= candidate.similarity
            }
            if !isCovered { chosen.append(candidate) }
        }
        return chosen
    }

    /// Adds `target` to the list of `slot`, choosing anew when the list is full.
    func connect(_ slot: Int, to target: Int, _ similarity: Float, layer: Int, _ layout: VectorLayout, _ scratch: SearchScratch) {
        let list = list(slot, layer, layout)
        let limit = layer == 0 ? Self.baseDegree : Self.degree
        let count = Int(cell_load(list))
        for index in 0..<count where cell_load(list + index + 1) == UInt32(target) { return }
        guard count == limit else {
            cell_store(list + count + 1, UInt32(target))
            return cell_store(list, UInt32(count + 1))
        }
        var candidates = measured(slot, (1...count).map { cell_load(list + $0) }, layout, scratch)
        candidates.append(Candidate(slot: target, similarity: similarity))
        candidates.sort { $0.similarity > $1.similarity }
        write(choose(candidates, limit: limit, layout, scratch).map(\.slot), to: list)
    }

    /// Leads the lists of `slot` around neighbours that were removed: their neighbours take their places. Whether it has any neighbour then.
    func repair(_ slot: Int, layout: VectorLayout, slotCount: Int, scratch: SearchScratch) -> Bool {
        var reach = Int.max
        for layer in 0...layer(of: slot, layout) {
            let list = list(slot, layer, layout)
            let count = Int(cell_load(list))
            guard count > 0, (1...count).contains(where: { layout.id(Int(cell_load(list + $0))) < 0 }) else { continue }
            scratch.visited.reset()
            _ = scratch.visited.insert(UInt32(slot))
            var found: [UInt32] = []
            for index in 1...count {
                let neighbour = cell_load(list + index)
                guard layout.id(Int(neighbour)) < 0 else {
                    if scratch.visited.insert(neighbour) { found.append(neighbour) }
                    continue
                }
                // A removed slot that was reached through a stale list may have fewer layers than this one.
                guard layer <= self.layer(of: Int(neighbour), layout) else { continue }
                let beyond = self.list(Int(neighbour), layer, layout)
                let length = Int(cell_load(beyond))
                guard length > 0 else { continue }
                for place in 1...length {
                    let candidate = cell_load(beyond + place)
                    if layout.id(Int(candidate)) >= 0, scratch.visited.insert(candidate) { found.append(candidate) }
                }
            }
            var candidates = measured(slot, found, layout, scratch)
            candidates.sort { $0.similarity > $1.similarity }
            let chosen = choose(candidates, limit: layer == 0 ? Self.baseDegree : Self.degree, layout, scratch)
            write(chosen.map(\.slot), to: list)
            // Who was reached through the removed slot alone needs a way in.
            if layout.id(slot) >= 0 { for neighbour in chosen { invite(neighbour.slot, to: slot, layer: layer, layout) } }
            if layer == 0 { reach = chosen.count }
        }
        // Where a whole region went, what is left of it must find the rest of the graph again.
        return reach >= 4 || layout.id(slot) < 0 || rejoin(slot, layout: layout, slotCount: slotCount, scratch: scratch) || reach > 0
    }

    /// Adds `target` to the list of `slot` if there is room and it is not there.
    private func invite(_ slot: Int, to target: Int, layer: Int, _ layout: VectorLayout) {
        let list = list(slot, layer, layout)
        let count = Int(cell_load(list))
        guard count < (layer == 0 ? Self.baseDegree : Self.degree) else { return }
        for index in 0..<count where cell_load(list + index + 1) == UInt32(target) { return }
        cell_store(list + count + 1, UInt32(target))
        cell_store(list, UInt32(count + 1))
    }

    private func measured(_ slot: Int, _ others: [UInt32], _ layout: VectorLayout, _ scratch: SearchScratch) -> [Candidate] {
        var result: [Candidate] = []
        result.reserveCapacity(others.count + 1)
        let query = UnsafePointer(layout.coarse(slot))
        let scale = layout.scale(slot).pointee
        var start = 0
        while start < others.count {
            let count = min(SearchScratch.batch, others.count - start)
            for index in 0..<count { scratch.parts[index] = UnsafePointer(layout.coarse(Int(others[start + index]))) }
            similarity_coarse_gather(query, scratch.parts, count, layout.padded, scratch.products)
            for index in 0..<count {
                let other = Int(others[start + index])
                result.append(Candidate(slot: other, similarity: Float(scratch.products[index]) * scale * layout.scale(other).pointee))
            }
            start += count
        }
        return result
    }

    private func write(_ slots: [Int], to list: UnsafeMutablePointer<UInt32>) {
        for (index, slot) in slots.enumerated() { cell_store(list + index + 1, UInt32(slot)) }
        cell_store(list, UInt32(slots.count))
    }
}
