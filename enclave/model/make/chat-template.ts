/**
 * The chat template of the model: ChatML in the Jinja dialect of chat templates, with tools offered in the
 * system message and called as `<tool_call>{"name": …, "arguments": …}</tool_call>`. It is stored without the
 * line breaks and the indentation; its digest stands in the catalogue.
 */
export const CHAT_TEMPLATE: string = String.raw`
{%- if tools %}
  {{- '<|im_start|>system\n' }}
  {%- if messages[0]['role'] == 'system' %}
    {{- messages[0]['content'] + '\n' }}
  {%- endif %}
  {{- 'Tools: ' }}
  {%- for tool in tools %}
    {{- tool['function'] | tojson }}
  {%- endfor %}
  {{- '<|im_end|>\n' }}
{%- elif messages[0]['role'] == 'system' %}
  {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
  {%- if message['role'] == 'user' or (message['role'] == 'system' and not loop.first) %}
    {{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
  {%- elif message['role'] == 'assistant' %}
    {{- '<|im_start|>assistant\n' }}
    {%- if message['content'] %}
      {{- message['content'] }}
    {%- endif %}
    {%- for tool_call in message['tool_calls'] or [] %}
      {%- set f = tool_call['function'] %}
      {{- '<tool_call>{"name": "' + f['name'] + '", "arguments": ' }}
      {{- f['arguments'] | tojson }}
      {{- '}</tool_call>' }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
  {%- elif message['role'] == 'tool' %}
    {{- '<|im_start|>tool\n' + message['content'] + '<|im_end|>\n' }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<|im_start|>assistant\n' }}
{%- endif %}
`.replaceAll(/\n */g, '')
