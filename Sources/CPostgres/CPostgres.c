#include "CPostgres.h"

const int cpostgres_sqlstate = PG_DIAG_SQLSTATE;
const int cpostgres_message = PG_DIAG_MESSAGE_PRIMARY;
