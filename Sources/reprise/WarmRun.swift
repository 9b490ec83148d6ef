import Foundation

/// Counts of a warm-up.
struct WarmTotals: Equatable, Sendable {
    var imported = 0
    var asked = 0
    var already = 0
    /// Records that the proxy or the upstream refused.
    var failed = 0
    /// Records that were skipped because they cannot be read.
    var bad = 0
    /// In a dry run: records with an answer, and without.
    var withAnswer = 0
    var withoutAnswer = 0

    func summary(dryRun: Bool) -> String {
        dryRun
            ? "\(withAnswer + withoutAnswer) records: \(withAnswer) to import, \(withoutAnswer) to ask the upstream; \(bad) bad"
            : "\(imported) imported, \(asked) asked, \(already) already there, \(failed) failed, \(bad) bad"
    }

    /// The same as members of a JSON object.
    func members(dryRun: Bool) -> [String: Any] {
        dryRun
            ? ["records": withAnswer + withoutAnswer, "to_import": withAnswer, "to_ask": withoutAnswer, "bad": bad]
            : ["imported": imported, "asked": asked, "already": already, "failed": failed, "bad": bad]
    }
}

/// One warm-up: reads files, posts batches with a bounded number in flight, reports, and remembers how far it came.
struct WarmRun {
    enum Target {
        case dryRun
        case proxy(AdminClient, credential: String?)
    }

    let target: Target
    let files: [String]
    let concurrency: Int
    let limit: Int?
    let model: String?
    let resume: Bool
    let console: Console

    func run() async throws -> WarmTotals {
        var meter = WarmMeter(files: files, console: console)
        for file in files {
            if let limit, meter.accepted >= limit { break }
            var mark: WarmProgress?
            do { try await warm(file, meter: &meter, mark: &mark) } catch {
                // What is known to be done is kept, whatever ended the run.
                meter.erase()
                if let mark, keepsProgress(of: file) { try? mark.save(for: file) }
                throw error
            }
            meter.endFile(file)
        }
        meter.erase()
        return meter.totals
    }

    private func keepsProgress(of file: String) -> Bool {
        if case .proxy = target { file != "-" } else { false }
    }

    /// Where to go on in the file.
    private func start(of file: String, meter: WarmMeter) throws -> WarmProgress {
        let fresh = WarmProgress(bytes: 0, records: 0)
        guard file != "-", let former = WarmProgress.load(for: file) else { return fresh }
        guard resume else {
            if keepsProgress(of: file) { meter.note("\(file): a former run ended after \(former.records) records; --resume would go on from there") }
            return fresh
        }
        guard former.bytes <= meter.size(of: file) else {
            throw CommandFailure(.badData, "\(file) is shorter than when the former run ended: remove \(WarmProgress.path(for: file)) to start anew")
        }
        meter.note("\(file): going on after \(former.records) records")
        return former
    }

    private func warm(_ file: String, meter: inout WarmMeter, mark: inout WarmProgress?) async throws {
        var reader = try WarmRecordReader(path: file)
        let start = try start(of: file, meter: meter)
        meter.beginFile(file, at: start.bytes)
        var reached = start
        var batch = WarmBatch(number: 0)
        var watermark = Watermark()
        var isCut = false
        try await withThrowingTaskGroup(of: (WarmBatch, WarmAnswer).self) { group in
            var inFlight = 0
            func settle(_ result: (WarmBatch, WarmAnswer)) {
                inFlight -= 1
                meter.add(result.1, for: result.0, of: reader.name)
                if let moved = watermark.finish(result.0.number, reaching: result.0.reaching) {
                    mark = moved
                    if keepsProgress(of: file), meter.isTimeToSave() { try? moved.save(for: file) }
                    meter.show(bytes: moved.bytes)
                }
            }
            func dispatch() async throws {
                guard !batch.records.isEmpty else { return }
                let full = batch
                batch = WarmBatch(number: full.number + 1)
                if inFlight == concurrency, let result = try await group.next() { settle(result) }
                inFlight += 1
                group.addTask { (full, try await post(full, of: file)) }
            }
            while let raw = try await reader.next() {
                if raw.end <= start.bytes { continue }
                if let limit, meter.accepted >= limit {
                    isCut = true
                    break
                }
                if let record = try check(raw, reader: reader, meter: &meter) {
                    if !batch.admits(record) { try await dispatch() }
                    batch.append(record, line: raw.line)
                }
                reached = WarmProgress(bytes: raw.end, records: reached.records + 1)
                batch.reaching = reached
                if batch.isFull { try await dispatch() }
            }
            try await dispatch()
            while let result = try await group.next() { settle(result) }
        }
        guard keepsProgress(of: file) else { return }
        if isCut { try? reached.save(for: file) } else { WarmProgress.remove(for: file) }
    }

    /// The record made ready, or `nil` when it is bad and was reported.
    private func check(_ raw: RawRecord, reader: WarmRecordReader, meter: inout WarmMeter) throws -> CheckedRecord? {
        do throws(RecordFault) {
            let record: CheckedRecord
            switch raw.content {
            case .json(let bytes): record = try CheckedRecord(jsonLine: bytes, defaultModel: model)
            case .row(let row): record = try CheckedRecord(row: row, defaultModel: model)
            case .fault(let fault), .unusable(let fault): throw fault
            }
            meter.accept(record, end: raw.end)
            return record
        } catch {
            if case .json(let bytes) = raw.content, AccessLog.isLineWithoutRequest(bytes) { return nil }
            if case .unusable = raw.content { throw CommandFailure(.badData, "\(reader.name):\(raw.line): \(error.message)") }
            meter.refuse("\(reader.name):\(raw.line): \(error.message)")
            return nil
        }
    }

    private func post(_ batch: WarmBatch, of file: String) async throws -> WarmAnswer {
        guard case .proxy(let client, let credential) = target else { return WarmAnswer(imported: 0, asked: 0, already: 0, failed: 0) }
        let body = try await client.post("/cache/warm", body: batch.body, contentType: "application/x-ndjson", credential: credential)
        return try client.decode(WarmAnswer.self, from: body)
    }
}
