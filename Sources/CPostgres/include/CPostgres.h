// libpq as it is: all its calls can be made from Swift. No logic here.
#ifndef REPRISE_CPOSTGRES_H
#define REPRISE_CPOSTGRES_H

// Debian keeps it in a folder of its own, others do not.
#if __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#else
#include <libpq-fe.h>
#endif

// The field of a result that holds its SQLSTATE; a character constant, which Swift does not see.
extern const int cpostgres_sqlstate;
extern const int cpostgres_message;

#endif
