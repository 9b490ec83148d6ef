package import SemanticCache

extension AnswerCache {
    /// The entry as the store keeps it; without its vector where there is no store.
    package func record(_ id: EntryID) async -> CacheRecord? {
        guard let metadata = metadata(id) else { return nil }
        if let waiting = writer.waiting(id) { return waiting }
        if case .success(let record?) = await stored(metadata.key), record.entry.id == id { return record }
        return await entry(id).map { CacheRecord(entry: $0, embedding: nil) }
    }
}
