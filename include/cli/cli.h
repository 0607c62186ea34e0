/* The commands, one function each: argv[0] is the command's own name. They return the exit code. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_status(int argc, char **argv);

#endif
