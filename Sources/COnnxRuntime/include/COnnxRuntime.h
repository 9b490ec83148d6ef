// The few calls of ONNX Runtime's C API that running a text model needs, reached through a library that is opened at run time.
//
// The API is one table of function pointers, `OrtApi`, to which newer versions only append: the place of a function in the table never changes. The
// places used here are listed in the source file. Every call that can fail returns NULL, or a message that the caller frees with `cort_free`.
#ifndef REPRISE_CONNXRUNTIME_H
#define REPRISE_CONNXRUNTIME_H

#include <stddef.h>
#include <stdint.h>

typedef struct cort_runtime cort_runtime;
typedef struct cort_session cort_session;

// Opens the library and makes an environment. The library stays open for the life of the process.
char *cort_open(const char *library_path, cort_runtime **runtime);

// The library's version, such as "1.32.0".
const char *cort_version(const cort_runtime *runtime);

// Lets every thread that computes nothing go first from now on, where the processors do not suffice for both: for the calling thread.
void cort_stand_back(void);

// Computes only while a processor has nothing else to do, from now on and for good: for the calling thread.
void cort_take_idle_time(void);

// Loads a model; `threads` compute one call together, those of its own standing back as `cort_stand_back` has it.
char *cort_load(cort_runtime *runtime, const char *model_path, int threads, cort_session **session);

// A block of numbers, row by row. `kind` is ONNX's number for the type of its elements: 1 for float, 2 for uint8, 7 for int64.
typedef struct {
    const char *name;
    int kind;
    void *data;
    size_t bytes;
    const int64_t *shape;
    size_t rank;
} cort_tensor;

// Runs the model on `inputs` and copies what it gives into the memory of `outputs`; fails when an output is not of the size expected. One call at a time
// per session.
char *cort_run(cort_session *session, const cort_tensor *inputs, size_t input_count, const cort_tensor *outputs, size_t output_count);

void cort_unload(cort_session *session);
void cort_close(cort_runtime *runtime);
void cort_free(char *message);

#endif
