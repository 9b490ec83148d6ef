// Typed calls for the parts of libcurl that are variadic in C, which Swift cannot call. No logic here.
#ifndef REPRISE_CCURL_H
#define REPRISE_CCURL_H

#include <curl/curl.h>

// size_t callback(char *data, size_t size, size_t count, void *context): header, write and read functions all have this form.
typedef size_t (*ccurl_data_callback)(char *data, size_t size, size_t count, void *context);

CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value);
CURLcode ccurl_set_size(CURL *easy, CURLoption option, curl_off_t value);
CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, const void *value);
CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value);
CURLcode ccurl_set_callback(CURL *easy, CURLoption option, ccurl_data_callback value);
CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value);
CURLcode ccurl_get_pointer(CURL *easy, CURLINFO info, void **value);
CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);

// What a read or write callback returns to stop for now, and what a read callback returns to give up.
extern const size_t ccurl_write_pause;
extern const size_t ccurl_read_pause;
extern const size_t ccurl_read_abort;

// The result of a CURLMsg that says a transfer is done.
CURLcode ccurl_message_result(const CURLMsg *message);

#endif
