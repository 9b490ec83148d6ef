import Cache
package import HTTPTypes
import SemanticCache
import WireFormats

/// Fills the cache from records: one with an answer is imported, one without is asked of the upstream through the pipeline.
package struct CacheWarmer: Sendable {
    /// What became of the records. `line` counts from 1; blank lines are counted and passed over.
    package struct Report: Encodable, Sendable {
        package struct Failure: Encodable, Sendable {
            package let line: Int
            package let message: String
        }

        /// Records whose answer was taken over.
        package var imported = 0
        /// Records that the upstream was asked for.
        package var asked = 0
        /// Records that were in the cache already.
        package var already = 0
        package var failed = 0
        /// The first hundred failures.
        package var errors: [Failure] = []

        mutating func fail(line: Int, _ message: String) {
            failed += 1
            if errors.count < 100 { errors.append(Failure(line: line, message: message)) }
        }
    }

    package let pipeline: RequestPipeline

    package init(pipeline: RequestPipeline) { self.pipeline = pipeline }

    /// Reads JSONL and does what each line says, in order. A bad line is reported and costs no other.
    ///
    /// - Parameter authorization: the credential of the application that the entries are for; the value of its `Authorization` field.
    package func warm(_ body: [UInt8], authorization: String?) async -> Report {
        await warm(body, credential: authorization.map { [.authorization: $0] } ?? [:])
    }

    /// The same with all fields in which the application sends its credential.
    package func warm(_ body: [UInt8], credential: HTTPFields) async -> Report {
        var report = Report()
        var imports: [(line: Int, record: WarmRecord)] = []
        for (index, line) in body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            let record: WarmRecord
            do throws(WarmRecordError) {
                record = try WarmRecord.read(line: Array(line), created: Int(pipeline.clock.now().milliseconds / 1000))
            } catch {
                report.fail(line: index + 1, error.description)
                continue
            }
            guard record.answer == nil else {
                imports.append((index + 1, record))
                if imports.count == 64 { await take(&imports, credential: credential, into: &report) }
                continue
            }
            await ask(record, line: index + 1, credential: credential, into: &report)
        }
        await take(&imports, credential: credential, into: &report)
        await pipeline.cache.persist()
        return report
    }

    /// Imports a batch, its texts embedded together.
    private func take(_ imports: inout [(line: Int, record: WarmRecord)], credential: HTTPFields, into report: inout Report) async {
        let records = imports.map(\.record)
        imports = []
        guard !records.isEmpty else { return }
        for isNew in await pipeline.take(records, credential: credential) {
            if isNew { report.imported += 1 } else { report.already += 1 }
        }
    }

    private func ask(_ record: WarmRecord, line: Int, credential: HTTPFields, into report: inout Report) async {
        var fields = credential
        fields[.contentType] = "application/json"
        if let namespace = record.namespace { fields[.cacheNamespace] = namespace }
        if !record.tags.isEmpty { fields[.cacheTags] = record.tags.joined(separator: ", ") }
        if let ttl = record.ttl { fields[.cacheTTL] = ttl.text }
        // A rewording of what is there would be answered from the cache, and the record's own answer never fetched.
        fields[.cacheMode] = "exact"
        let (response, outcome) = await pipeline.answer(
            to: ProxyRequest(
                id: record.id ?? "warm-\(line)", method: .post, path: record.request.standardPath, fields: fields, body: .bytes(record.body)))
        var bytes: [UInt8] = []
        switch response.body {
        case .bytes(let all): bytes = all
        case .stream(let stream):
            do { bytes = try await stream.collect(upTo: 64 << 20) ?? [] } catch {
                report.fail(line: line, "the upstream's answer broke off: \(error)")
                return
            }
        }
        guard response.status == .ok else {
            report.fail(line: line, "the upstream answered \(response.status.code): \(String(decoding: bytes.prefix(300), as: UTF8.self))")
            return
        }
        if let hit = outcome.hit, !hit.isStale { report.already += 1 } else { report.asked += 1 }
    }
}

extension RequestPipeline {
    /// Takes over answers that came from elsewhere; for each record whether it was new. An entry with the same key is replaced.
    func take(_ records: [WarmRecord], credential: HTTPFields) async -> [Bool] {
        let options = settings.options
        guard let caller = options.access.caller(of: credential) else { return records.map { _ in false } }
        let asked = records.map { record -> (tenant: TenantID, asked: Asked?) in
            let namespace = record.namespace ?? ""
            // Who warms the cache has shown the admin's token, or is on loopback.
            let tenant =
                tenants.tenant(of: credential, caller: caller, namespace: namespace, under: options.access) ?? tenants.tenant(of: credential)
            let path = record.request.standardPath
            return (tenant, Asked(record.request, splitting: options.askSplit, tenant: tenant, namespace: namespace, pathAndQuery: path))
        }
        let vectors = await vectors(of: asked.map { $0.asked?.query ?? "" })
        let now = clock.now()
        return zip(records, zip(asked, vectors)).map { record, found in
            let ((tenant, asked), vector) = found
            guard let recorded = record.answer, options.storage.allowsStoring(record.body) else { return false }
            let content = record.request
            let namespace = record.namespace ?? ""
            if content.items.count > 1 { return takeParts(record, of: recorded, tenant: tenant, at: now, options) }
            let key = content.key(tenant: tenant, namespace: namespace, pathAndQuery: content.standardPath)
            let former = cache.metadata(for: key)
            let reached = options.isSearchable(content, asked) ? asked : nil
            let entry = Entry(
                id: ids.next(), key: key,
                scope: reached?.scope, tenant: tenant, namespace: namespace, endpoint: content.endpoint, model: content.model, tags: record.tags,
                query: reached?.query ?? content.subject,
                answer: Answer(recording: recorded.recording, fields: recorded.fields, usage: recorded.usage, upstreamTime: .zero), createdAt: now,
                expiresAt: now + options.timeToLive(asked: record.ttl, content, query: asked?.query))
            let embedding = vector.flatMap { vector in embedder.map { StoredEmbedding(vector: vector, fingerprint: $0.fingerprint) } }
            cache.insert(CacheRecord(entry: entry, embedding: entry.scope == nil ? nil : embedding))
            return former.map { $0.isExpired(at: now) } ?? true
        }
    }

    /// Takes over the answer to an embeddings request of several inputs, one entry an input; whether any of them was new.
    private func takeParts(_ record: WarmRecord, of recorded: RecordedAnswer, tenant: TenantID, at now: Timestamp, _ options: PipelineOptions) -> Bool
    {
        let content = record.request
        let namespace = record.namespace ?? ""
        let answer = Answer(recording: recorded.recording, fields: recorded.fields, usage: recorded.usage, upstreamTime: .zero)
        guard let parts = content.parts(of: answer) else { return false }
        let keys = content.itemKeys(tenant: tenant, namespace: namespace, pathAndQuery: content.standardPath)
        var isNew = false
        for (item, (key, part)) in zip(content.items, zip(keys, parts)) {
            isNew = isNew || (cache.metadata(for: key).map { $0.isExpired(at: now) } ?? true)
            let entry = Entry(
                id: ids.next(), key: key, scope: nil, tenant: tenant, namespace: namespace, endpoint: content.endpoint, model: content.model,
                tags: record.tags, query: item.text ?? "", answer: part, createdAt: now,
                expiresAt: now + options.timeToLive(asked: record.ttl, content, query: nil))
            cache.insert(CacheRecord(entry: entry, embedding: nil))
        }
        return isNew
    }

    /// The vectors of these texts; `nil` for those that cannot be embedded.
    private func vectors(of texts: [String]) async -> [UnitVector?] {
        guard let embedder, let outcomes = try? await embedder.embedInBackground(texts, keepsReading: true), outcomes.count == texts.count else {
            return texts.map { _ in nil }
        }
        return outcomes.map { try? $0.get() }
    }
}
