import SemanticCache
import HTTPTypes
import WireFormats

// Step 2: what is it?

extension RequestPipeline {
    /// - Parameters:
    ///   - document: the body, where it was read at the door.
    ///   - settings: what holds for this request, whatever is decided until it ends.
    func recognise(
        _ request: ProxyRequest, caller: AccessRules.Caller, document: JSONDocument? = nil, _ settings: LiveOptions.Snapshot, _ trace: RequestTrace
    ) -> Recognised {
        let path = request.pathWithoutQuery
        guard ProxyPath.isSafe(path) else {
            return .refused(
                ErrorResponse.client(.badRequest, message: "The path may not contain dot segments or encoded separators.", code: "bad_path"))
        }
        guard let endpoint = Endpoint(path: path), settings.options.endpoints.contains(endpoint) else {
            return .passThrough(request, .path, strippingControls: false)
        }
        guard request.method == .post else { return .passThrough(request, .method, strippingControls: false) }
        do throws(RequestError) {
            return try recogniseControlled(request, caller: caller, endpoint: endpoint, document: document, settings, trace)
        } catch {
            return .refused(ErrorResponse.client(.badRequest, message: error.message, param: error.param, path: request.path))
        }
    }

    /// A request to a cached endpoint. Controls are looked at first: one that cannot be understood is an error even where nothing is looked up.
    private func recogniseControlled(
        _ request: ProxyRequest, caller: AccessRules.Caller, endpoint: Endpoint, document: JSONDocument?, _ settings: LiveOptions.Snapshot,
        _ trace: RequestTrace
    ) throws(RequestError) -> Recognised {
        var controls = try RequestControls(request.fields)
        guard settings.options.isEnabled else { return .passThrough(request, .disabled, strippingControls: true) }
        guard !controls.noStore, controls.mode != .off else { return .passThrough(request, .requested, strippingControls: true) }
        guard case .bytes(let body) = request.body else { return .passThrough(request, .encodedBody, strippingControls: true) }
        if let encoding = request.fields.value(of: .contentEncoding), encoding.lowercased() != "identity" {
            return .passThrough(request, .encodedBody, strippingControls: true)
        }
        switch RequestReader.read(path: request.pathWithoutQuery, body: body, document: document) {
        case .bypass(let reason):
            return .passThrough(request, reason, strippingControls: true)
        case .invalid(let error):
            throw error
        case .cacheable(let content):
            // Controls that peers of this program put into the body are the cache's, and no model knows them.
            controls = controls.merging(content.bodyControls)
            let outgoing = content.strippedBody.map { request.withBody($0) } ?? request
            guard !controls.noStore, controls.mode != .off else { return .passThrough(outgoing, .requested, strippingControls: true) }
            if content.hasTools, settings.options.tools == .off { return .passThrough(outgoing, .tools, strippingControls: true) }
            let namespace = controls.namespace ?? ""
            guard let tenant = tenant(of: request.fields, caller: caller, namespace: namespace, under: settings.options.access) else {
                return .passThrough(outgoing, .unauthenticated, strippingControls: true)
            }
            return .lookUp(
                LookUp(
                    request: outgoing, content: content, controls: controls, caller: caller, tenant: tenant, namespace: namespace,
                    started: trace.started, settings: settings, trace: trace))
        }
    }
}
