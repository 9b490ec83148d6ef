import Evaluation
import Foundation
import Learning
import Options
import Proxy
import SemanticCache
import Settings
import VectorSearch
import WireFormats

/// An access log as labelled examples: the questions with the answers that they got. Which answers are the same, the judge says, as it does for the
/// proxy; so what is measured on them is relative to it.
///
/// Lines without an answer of their own say nothing and are passed over: semantic hits, errors, requests that went by. Of a question that came again in
/// the same scope only the first counts: repeats never come as far as the matcher.
struct LoggedTraffic {
    struct Question {
        let prompt: String
        /// Names the scope: what must be equal.
        let scope: Scope
        let entry: Entry
    }

    /// As many of the nearest distinct answers are compared, as behind a request.
    private static let comparedAnswers = 3
    private static let neighbours = Settings().matching.candidates
    /// Questions less alike are not compared.
    private static let floor = MatchLearner.Options(Settings()).floor

    private(set) var questions: [Question] = []
    /// Lines that were read, those that are passed over among them.
    private(set) var lineCount = 0

    /// Whether the first line is one of an access log.
    static func isAccessLog(_ data: Data) -> Bool {
        let first = data.prefix { $0 != UInt8(ascii: "\n") }
        guard let object = (try? JSONSerialization.jsonObject(with: first)) as? [String: Any] else { return false }
        return ["custom_id", "cache", "duration_ms", "status"].allSatisfy { object[$0] != nil }
    }

    /// - Parameter limit: the most questions that are taken.
    init(lines data: Data, limit: Int? = nil) {
        struct Line: Decodable {
            let tenant: String?
            let status: Int
        }
        var seen: Set<CacheKey> = []
        let decoder = JSONDecoder()
        for bytes in data.split(separator: UInt8(ascii: "\n")) {
            if let limit, questions.count >= limit { return }
            lineCount += 1
            guard let line = try? decoder.decode(Line.self, from: bytes), line.status == 200,
                let record = try? WarmRecord.read(line: Array(bytes)), let answer = record.answer
            else { continue }
            let tenant = TenantID(Digest256.sha256(Array((line.tenant ?? "").utf8)))
            let key = record.request.key(tenant: tenant, namespace: record.namespace ?? "", pathAndQuery: "")
            guard
                let asked = Asked(
                    record.request, splitting: Settings().matching.ask, tenant: tenant, namespace: record.namespace ?? "", pathAndQuery: ""),
                seen.insert(key).inserted
            else { continue }
            let entry = Entry(
                id: EntryID(rawValue: Int64(questions.count + 1)), key: key, scope: asked.scope, tenant: tenant, namespace: record.namespace ?? "",
                endpoint: record.request.endpoint, model: record.request.model, query: asked.query,
                answer: Answer(recording: answer.recording, fields: answer.fields, usage: answer.usage, upstreamTime: .zero),
                createdAt: Timestamp(milliseconds: 0), expiresAt: Timestamp(milliseconds: 0))
            questions.append(Question(prompt: asked.query, scope: asked.scope, entry: entry))
        }
    }

    /// The questions as a stream, in groups of the same answer.
    ///
    /// - Parameters:
    ///   - vector: of a prompt; questions without one stand alone.
    ///   - progress: told how many questions are done.
    func labelled(
        by judge: AnswerJudge, dimension: Int, vector: (String) -> UnitVector?, progress: (Int) -> Void = { _ in }
    ) async -> [StreamItem] {
        let index = FlatIndex(dimension: dimension)
        /// By the position of a question, that of the first one with its answer.
        var groups: [Int] = []
        for (position, question) in questions.enumerated() {
            var group = position
            if let vector = vector(question.prompt) {
                var compared: [Int] = []
                for neighbour in index.nearest(to: vector, in: question.scope, count: Self.neighbours)
                where neighbour.similarity >= Self.floor && compared.count < Self.comparedAnswers {
                    let near = Int(neighbour.id.rawValue) - 1
                    guard !compared.contains(groups[near]) else { continue }
                    compared.append(groups[near])
                    guard await judge.compare(question.entry, questions[near].entry) == .same else { continue }
                    group = groups[near]
                    break
                }
                index.insert(question.entry.id, vector, in: question.scope)
            }
            groups.append(group)
            progress(position + 1)
        }
        return zip(questions, groups).map { StreamItem(prompt: $0.prompt, group: "\($1)", history: [$0.scope.digest.hex]) }
    }
}

extension AnswerJudge {
    /// A judge that asks nobody: what words and embeddings do not tell counts as different.
    static func offline(_ embedder: any Embedder) -> AnswerJudge {
        AnswerJudge(options: Options(model: nil, dailyCalls: 0), embedder: embedder, upstream: NoUpstream(), clock: SystemClock())
    }

    private struct NoUpstream: Upstream {
        func send(_: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse { throw .unreachable("there is none") }
    }
}
