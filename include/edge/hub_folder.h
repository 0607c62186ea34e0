/* The registrations at the hub as files: ID.yaml in a folder of the daemon's own. */
#ifndef EDGE_HUB_FOLDER_H
#define EDGE_HUB_FOLDER_H

#include "core/hub.h"

struct hub_port hub_folder_port(void); /* durable when they return */

#endif
