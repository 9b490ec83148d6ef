import HTTPTypes
import SemanticCache
import Synchronization
import WireFormats

/// What browsers are told of who may read an answer: the `Access-Control-*` fields, which may differ by the page that asks (its `Origin`).
///
/// An entry has the fields that came with it. They hold for all pages where they name none, and for the page that they name; whom else the upstream
/// lets read, it alone knows. What it told a page with a fresh answer is remembered, so that each page costs one call, and no page is let in that the
/// upstream would keep out.
final class CrossOrigin: Sendable {
    private struct Page: Hashable {
        let path, model, origin: String
    }

    /// Bounded: forgetting costs one call a page.
    private static let limit = 4096
    private static let longestName = 255
    private let told = Mutex<[Page: HTTPFields]>([:])

    /// Remembers what a fresh answer told the page that asked.
    func note(_ fields: HTTPFields, to inquiry: Inquiry) {
        guard let page = page(of: inquiry) else { return }
        let found = HTTPFields(fields.filter(\.isCrossOrigin))
        told.withLock { told in
            if told.count >= Self.limit, told[page] == nil { told.removeAll() }
            told[page] = found
        }
    }

    /// Gives the fields of a kept answer the ones that a fresh answer to the page that asks would have; `false` where nobody knows them.
    func adapt(_ fields: inout HTTPFields, to inquiry: Inquiry) -> Bool {
        let origin = inquiry.request.fields.value(of: .origin)
        let isTold = fields.contains(where: \.isCrossOrigin)
        guard let origin else {
            // Nobody reads them where no page asks. Those of a certain page would look like leave for it.
            if isTold, fields.value(of: .accessControlAllowOrigin) != "*" { fields.removeAll(where: \.isCrossOrigin) }
            return true
        }
        if let page = page(of: inquiry), let told = told.withLock({ $0[page] }) {
            fields.removeAll(where: \.isCrossOrigin)
            for field in told { fields.append(field) }
            return true
        }
        let allowed = isTold ? fields.value(of: .accessControlAllowOrigin) : nil
        return allowed == "*" || allowed == origin
    }

    private func page(of inquiry: Inquiry) -> Page? {
        guard let origin = inquiry.request.fields.value(of: .origin) else { return nil }
        let page = Page(path: String(inquiry.request.pathWithoutQuery), model: inquiry.content.model, origin: origin)
        return [page.path, page.model, page.origin].allSatisfy { $0.utf8.count <= Self.longestName } ? page : nil
    }
}
